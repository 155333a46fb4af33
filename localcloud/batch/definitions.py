"""Job definitions and their revisions.

https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.batch.containers import check_properties
from localcloud.batch.errors import client_exception, only
from localcloud.batch.names import arn, checked_name, short_name
from localcloud.batch.retries import retry_strategy
from localcloud.context import CloudContext

KIND = "job-definition"
_PARAMETERS = (
    "containerProperties",
    "jobDefinitionName",
    "parameters",
    "platformCapabilities",
    "propagateTags",
    "retryStrategy",
    "tags",
    "timeout",
    "type",
)


@dataclass
class JobDefinition:
    """One revision; `given` is the request that registered it."""

    name: str
    revision: int
    arn: str
    given: Mapping[str, Any]
    status: str = "ACTIVE"

    def describe(self, tags: Mapping[str, str]) -> dict[str, Any]:
        kept = ("parameters", "propagateTags", "retryStrategy", "timeout")
        return {
            "jobDefinitionName": self.name,
            "jobDefinitionArn": self.arn,
            "revision": self.revision,
            "status": self.status,
            "type": self.given["type"],
            "containerOrchestrationType": "ECS",
            "parameters": {},
            **{name: self.given[name] for name in kept if name in self.given},
            "containerProperties": dict(self.given["containerProperties"]),
            "platformCapabilities": self.given.get("platformCapabilities", ["EC2"]),
            "tags": dict(tags),
        }


class JobDefinitions:
    """Those of one cloud; an inactive revision can be described, and nothing more."""

    def __init__(
        self, context: CloudContext, *, tags: dict[str, dict[str, str]], least_timeout_s: int
    ) -> None:
        self._context = context
        self._tags = tags
        self._least_timeout_s = least_timeout_s
        self._by_name: dict[str, list[JobDefinition]] = {}

    def register(self, given: Mapping[str, Any]) -> dict[str, Any]:
        only(given, "RegisterJobDefinition", _PARAMETERS)
        name = checked_name("jobDefinitionName", given["jobDefinitionName"])
        if given["type"].lower() != "container":
            raise client_exception(f"type: {given['type']!r}; modelled: container")
        if capabilities := set(given.get("platformCapabilities") or ()) - {"EC2"}:
            raise client_exception(f"platformCapabilities: {sorted(capabilities)}; modelled: EC2")
        if "containerProperties" not in given:
            raise client_exception("containerProperties is required")
        check_properties(given["containerProperties"])
        retry_strategy(given.get("retryStrategy"))
        self.timeout_s(given.get("timeout"))
        revisions = self._by_name.setdefault(name, [])
        revision = len(revisions) + 1
        definition = JobDefinition(
            name, revision, arn(self._context, KIND, f"{name}:{revision}"), dict(given)
        )
        revisions.append(definition)
        self._tags[definition.arn] = dict(given.get("tags") or {})
        return {
            "jobDefinitionName": name,
            "jobDefinitionArn": definition.arn,
            "revision": revision,
        }

    def timeout_s(self, given: Mapping[str, Any] | None) -> int | None:
        """https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html"""
        seconds = (given or {}).get("attemptDurationSeconds")
        if seconds is not None and seconds < self._least_timeout_s:
            raise client_exception(
                f"timeout.attemptDurationSeconds: {seconds}; "
                f"allowed: {self._least_timeout_s} or more"
            )
        return seconds

    def active(self, name_or_arn: str) -> JobDefinition:
        """By name (the newest active revision), name:revision or ARN; raises Refused."""
        for definition in reversed(self._named(name_or_arn)):
            if definition.status == "ACTIVE":
                return definition
        raise client_exception(f"JobDefinition {name_or_arn} does not exist or is not ACTIVE")

    def _named(self, name_or_arn: str) -> list[JobDefinition]:
        name, _, revision = short_name(KIND, name_or_arn).partition(":")
        return [
            definition
            for definition in self._by_name.get(name, [])
            if revision in ("", str(definition.revision))
        ]

    def deregister(self, given: Mapping[str, Any]) -> dict[str, Any]:
        for definition in self._named(given["jobDefinition"]):
            definition.status = "INACTIVE"
        return {}

    def all(self) -> list[JobDefinition]:
        return [definition for each in self._by_name.values() for definition in each]

    def describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """By ARN, by name and status, or all."""
        found = self.all()
        if wanted := given.get("jobDefinitions"):
            found = [definition for name in wanted for definition in self._named(name)]
        if name := given.get("jobDefinitionName"):
            found = [definition for definition in found if definition.name == name]
        if status := given.get("status"):
            found = [definition for definition in found if definition.status == status]
        return {
            "jobDefinitions": [
                definition.describe(self._tags.get(definition.arn, {})) for definition in found
            ]
        }
