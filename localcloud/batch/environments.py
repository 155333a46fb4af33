"""Compute environments: what jobs run on, how many vCPUs at most, and when one may be removed.

Managed EC2 and SPOT environments are modelled. What they name (subnets, security groups, launch
template, instance profile, instance types) must exist when they are made: AWS finds out later and
makes the environment INVALID, which ends a deployment the same way.
https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html
https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteComputeEnvironment.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.batch.errors import client_exception, only
from localcloud.batch.machines import Machines, check_instance_types
from localcloud.batch.names import arn, checked_name, found, short_name
from localcloud.batch.network import check_network
from localcloud.context import CloudContext

KIND = "compute-environment"
_PARAMETERS = (
    "computeEnvironmentName",
    "computeResources",
    "serviceRole",
    "state",
    "tags",
    "type",
)
_RESOURCES = (
    "allocationStrategy",
    "bidPercentage",
    "desiredvCpus",
    "ec2Configuration",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "maxvCpus",
    "minvCpus",
    "securityGroupIds",
    "spotIamFleetRole",
    "subnets",
    "tags",
    "type",
    "updateToLatestImageVersion",
)
_REQUIRED = ("instanceRole", "instanceTypes", "maxvCpus", "subnets", "type")
_UPDATES = ("computeEnvironment", "computeResources", "serviceRole", "state", "updatePolicy")
_TYPES = ("EC2", "SPOT")
_STATES = ("ENABLED", "DISABLED")


@dataclass
class ComputeEnvironment:
    """`used_vcpus` are those of the jobs that run in it now."""

    name: str
    arn: str
    state: str
    resources: dict[str, Any]
    service_role: str | None
    machines: Machines
    cluster_arn: str
    unique_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    update_policy: Mapping[str, Any] = field(default_factory=dict)
    used_vcpus: int = 0

    @property
    def max_vcpus(self) -> int:
        return int(self.resources["maxvCpus"])

    @property
    def min_vcpus(self) -> int:
        return int(self.resources.get("minvCpus", 0))

    def describe(self, tags: Mapping[str, str]) -> dict[str, Any]:
        details = {
            "computeEnvironmentName": self.name,
            "computeEnvironmentArn": self.arn,
            "ecsClusterArn": self.cluster_arn,
            "tags": dict(tags),
            "type": "MANAGED",
            "state": self.state,
            "status": "VALID",
            "statusReason": "ComputeEnvironment Healthy",
            "computeResources": {
                "minvCpus": 0,
                "tags": {},
                **self.resources,
                "desiredvCpus": self.machines.vcpus,
            },
            "containerOrchestrationType": "ECS",
            "uuid": self.unique_id,
            "updatePolicy": dict(self.update_policy),
        }
        return (
            details if self.service_role is None else {**details, "serviceRole": self.service_role}
        )


class ComputeEnvironments:
    """Those of one cloud. `in_queue` says which queue uses an environment, if any."""

    def __init__(
        self,
        context: CloudContext,
        *,
        tags: dict[str, dict[str, str]],
        in_queue: Callable[[str], str | None],
    ) -> None:
        self._context = context
        self._tags = tags
        self._in_queue = in_queue
        self.by_name: dict[str, ComputeEnvironment] = {}

    def get(self, name_or_arn: str) -> ComputeEnvironment:
        """Raises Refused if there is none."""
        return found(self.by_name, KIND, name_or_arn)

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        only(given, "CreateComputeEnvironment", _PARAMETERS)
        name = checked_name("computeEnvironmentName", given["computeEnvironmentName"])
        if name in self.by_name:
            raise client_exception("Object already exists")
        if given["type"].upper() != "MANAGED":
            raise client_exception(f"type: {given['type']!r}; modelled: MANAGED")
        resources = dict(given.get("computeResources") or {})
        self._check(resources)
        # Its compute environment's name, then a random part:
        # https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
        cluster = f"AWSBatch-{name}-{uuid.uuid4()}"
        where = f"{self._context.region}:{self._context.account}"
        environment = ComputeEnvironment(
            name=name,
            arn=arn(self._context, KIND, name),
            state=_state(given.get("state")),
            resources=resources,
            service_role=given.get("serviceRole"),
            machines=Machines(self._context, name),
            cluster_arn=f"arn:aws:ecs:{where}:cluster/{cluster}",
        )
        self.by_name[name] = environment
        self._tags[environment.arn] = dict(given.get("tags") or {})
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def _check(self, resources: Mapping[str, Any]) -> None:
        only(resources, "computeResources", _RESOURCES)
        if missing := [name for name in _REQUIRED if not resources.get(name)]:
            raise client_exception(f"computeResources.{missing[0]} is required")
        if resources["type"] not in _TYPES:
            raise client_exception(
                f"computeResources.type: {resources['type']!r}; modelled: {', '.join(_TYPES)}"
            )
        least, most = resources.get("minvCpus", 0), resources["maxvCpus"]
        if not 0 <= least <= most:
            raise client_exception(f"minvCpus: {least}; allowed: 0 to maxvCpus, which is {most}")
        check_instance_types(resources["instanceTypes"])
        check_network(self._context, resources)

    def update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A partial change: what is not named stays."""
        only(given, "UpdateComputeEnvironment", _UPDATES)
        environment = self.get(given["computeEnvironment"])
        resources = {**environment.resources, **(given.get("computeResources") or {})}
        self._check(resources)
        environment.state = _state(given.get("state", environment.state))
        environment.resources = resources
        environment.service_role = given.get("serviceRole", environment.service_role)
        environment.update_policy = given.get("updatePolicy", environment.update_policy)
        return {
            "computeEnvironmentName": environment.name,
            "computeEnvironmentArn": environment.arn,
        }

    def delete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Only what is disabled and in no queue; one that is gone already is fine."""
        environment = self.by_name.get(short_name(KIND, given["computeEnvironment"]))
        if environment is None:
            return {}
        if environment.state != "DISABLED":
            raise client_exception("Cannot delete, state must be DISABLED")
        if self._in_queue(environment.arn) is not None:
            raise client_exception("Cannot delete, found existing JobQueue relationship")
        if environment.used_vcpus:
            raise client_exception("Cannot delete, resource is being modified")
        environment.machines.scale_to(0, environment.resources)
        del self.by_name[environment.name]
        self._tags.pop(environment.arn, None)
        return {}

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All, or those asked for that there are."""
        wanted = [short_name(KIND, name) for name in given.get("computeEnvironments") or ()]
        names = wanted or sorted(self.by_name)
        return {
            "computeEnvironments": [
                self.by_name[name].describe(self._tags[self.by_name[name].arn])
                for name in names
                if name in self.by_name
            ]
        }


def _state(given: str | None) -> str:
    if given not in (None, *_STATES):
        raise client_exception(f"state: {given!r}; allowed: {', '.join(_STATES)}")
    return given or "ENABLED"
