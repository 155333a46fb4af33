"""The shape of a stage: typed, frozen, strict.

It decides which settings exist and of what type they are. Ranges belong to the platforms and live
in limits.py; the values of dev and prod live in stages.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Architecture(StrEnum):
    """Instruction set of the functions and, by the same value, of their images."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class MapChildren(StrEnum):
    """Workflow type of the map's child executions; it drives both cost and time limit."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Campaign(_Settings):
    """A time for which more environments are kept warm: `minimum` from `start` to `end`.

    Both are schedule expressions, `cron(...)` or `at(...)`, read in `timezone`.
    """

    start: str
    end: str
    minimum: int
    timezone: str = "UTC"


class ProvisionedConcurrency(_Settings):
    """Execution environments kept warm on the `live` alias, scaled by their utilisation."""

    minimum: int
    maximum: int
    target_utilization: float
    campaign: Campaign | None = None


class FunctionSettings(_Settings):
    """What one function gets in this stage. Lambda grants CPU in proportion to memory.

    `reserved_concurrency` is both its share of the account, which nobody else can take, and the
    most it gets; without it the function takes part in what the account has left.
    """

    memory_mb: int
    timeout_s: int
    reserved_concurrency: int | None = None
    provisioned: ProvisionedConcurrency | None = None


class ApiSettings(_Settings):
    """Throttling of the HTTP API, in requests."""

    rate_per_s: int
    burst: int


class OpenWhiskSettings(_Settings):
    """The most that the operator of the stage's OpenWhisk lets one action have.

    https://github.com/apache/openwhisk/blob/master/docs/reference.md#system-limits
    """

    max_memory_mb: int
    max_timeout_s: int


class VirtualMachineSettings(_Settings):
    """The virtual machines of the baseline; they exist while its jobs run."""

    instance_type: str
    max_vcpus: int
    spot: bool


class StageSettings(_Settings):
    """Everything that may differ between two deployments of the same code."""

    name: str
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None
    account: Annotated[str, Field(pattern=r"^\d{12}$")] | None
    architecture: Architecture
    account_concurrency: int

    retain_data: bool
    termination_protection: bool
    expire_objects_days: int | None
    log_retention_days: int
    access_logs: bool
    tracing: bool
    alarms: bool
    alarm_email: str | None
    monthly_budget_usd: int | None

    map_children: MapChildren
    map_concurrency: int
    reduce_concurrency: int
    tolerated_failure_percentage: float
    job_timeout_s: int

    plan: FunctionSettings
    classify: FunctionSettings
    reduce: FunctionSettings
    predict: FunctionSettings
    jobs: FunctionSettings
    api: ApiSettings

    openwhisk: OpenWhiskSettings

    baseline: bool
    vms: VirtualMachineSettings

    @property
    def functions(self) -> dict[str, FunctionSettings]:
        """The settings of each function by its name."""
        return {
            "plan": self.plan,
            "classify": self.classify,
            "reduce": self.reduce,
            "predict": self.predict,
            "jobs": self.jobs,
        }
