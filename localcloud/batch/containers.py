"""What a job's container is made of: the job definition's properties and a submission's overrides.

Refused, because a process here would not have it: volumes, secrets, devices, GPUs, other log
drivers than awslogs. Taken without effect: user, read-only root, init process, memory for /dev/shm.
https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.batch.errors import client_exception, only

_PROPERTIES = (
    "command",
    "environment",
    "executionRoleArn",
    "image",
    "jobRoleArn",
    "linuxParameters",
    "logConfiguration",
    "memory",
    "privileged",
    "readonlyRootFilesystem",
    "resourceRequirements",
    "user",
    "vcpus",
)
# Told as they were registered.
_TOLD = (
    "executionRoleArn",
    "jobRoleArn",
    "linuxParameters",
    "logConfiguration",
    "privileged",
    "readonlyRootFilesystem",
    "user",
)
_LINUX = ("initProcessEnabled", "sharedMemorySize", "tmpfs")
_OVERRIDES = ("command", "environment", "memory", "resourceRequirements", "vcpus")
_LOG_OPTIONS = (
    "awslogs-create-group",
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "mode",
    "max-buffer-size",
)
# https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
_RESERVED = "AWS_BATCH"
_LEAST_MEMORY_MIB = 4
_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Container:
    """`image` and what is run of it, for how much of a machine."""

    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    vcpus: int
    memory_mib: int
    job_role: str | None
    execution_role: str | None
    log_options: Mapping[str, str]
    given: Mapping[str, Any]

    def describe(self) -> dict[str, Any]:
        """As DescribeJobs tells it, but for what came of it."""
        details = {
            "image": self.image,
            "command": list(self.command),
            "volumes": [],
            "environment": [
                {"name": name, "value": value} for name, value in self.environment.items()
            ],
            "mountPoints": [],
            "ulimits": [],
            "networkInterfaces": [],
            "resourceRequirements": [
                {"type": "VCPU", "value": str(self.vcpus)},
                {"type": "MEMORY", "value": str(self.memory_mib)},
            ],
            "secrets": [],
        }
        return {**details, **{name: self.given[name] for name in _TOLD if name in self.given}}


def check_properties(given: Mapping[str, Any]) -> None:
    """Raises Refused for container properties of a job definition that cannot be honoured."""
    only(given, "containerProperties", _PROPERTIES)
    container(given, {}, {})
    if given.get("privileged"):
        raise client_exception("containerProperties.privileged: true; modelled: false")
    only(given.get("linuxParameters") or {}, "containerProperties.linuxParameters", _LINUX)
    logging = given.get("logConfiguration") or {"logDriver": "awslogs"}
    if logging["logDriver"] != "awslogs":
        raise client_exception(f"logDriver: {logging['logDriver']!r}; modelled: awslogs")
    only(logging, "logConfiguration", ("logDriver", "options"))
    only(logging.get("options") or {}, "logConfiguration.options", _LOG_OPTIONS)


def container(
    given: Mapping[str, Any], overrides: Mapping[str, Any], parameters: Mapping[str, str]
) -> Container:
    """What a job runs; raises Refused where something is missing or not allowed."""
    only(overrides, "containerOverrides", _OVERRIDES)
    image = given.get("image")
    if not image:
        raise client_exception("containerProperties.image is required")
    needs = {**_needs(given), **_needs(overrides)}
    for name in ("vcpus", "memory"):
        if name not in needs:
            raise client_exception(f"Container properties must have {name}")
    if needs["vcpus"] < 1:
        raise client_exception(f"vcpus: {needs['vcpus']}; allowed: 1 or more")
    if needs["memory"] < _LEAST_MEMORY_MIB:
        raise client_exception(
            f"memory: {needs['memory']} MiB; allowed: {_LEAST_MEMORY_MIB} or more"
        )
    command = overrides.get("command") or given.get("command") or []
    return Container(
        image=image,
        command=[_filled(word, parameters) for word in command],
        environment={**_environment(given), **_environment(overrides)},
        vcpus=needs["vcpus"],
        memory_mib=needs["memory"],
        job_role=given.get("jobRoleArn"),
        execution_role=given.get("executionRoleArn"),
        log_options=(given.get("logConfiguration") or {}).get("options") or {},
        given=given,
    )


def _needs(given: Mapping[str, Any]) -> dict[str, int]:
    needs = {name: int(given[name]) for name in ("vcpus", "memory") if name in given}
    for requirement in given.get("resourceRequirements") or ():
        kind, value = requirement["type"], requirement["value"]
        if kind not in ("VCPU", "MEMORY"):
            raise client_exception(f"resourceRequirements.type: {kind!r}; modelled: VCPU, MEMORY")
        if not str(value).isdecimal():
            # Fractions of a vCPU are Fargate's.
            raise client_exception(
                f"resourceRequirements {kind}: {value!r}; allowed: a whole number"
            )
        needs["vcpus" if kind == "VCPU" else "memory"] = int(value)
    return needs


def _environment(given: Mapping[str, Any]) -> dict[str, str]:
    variables = {pair["name"]: pair.get("value", "") for pair in given.get("environment") or ()}
    for name in variables:
        if name.startswith(_RESERVED):
            raise client_exception(
                f"environment: {name!r}; names that begin with {_RESERVED} are reserved"
            )
    return variables


def _filled(word: str, parameters: Mapping[str, str]) -> str:
    """A word of a command with its `Ref::name` placeholders replaced, unknown ones left."""
    return _PLACEHOLDER.sub(lambda found: parameters.get(found[1], found[0]), word)
