"""Limits of Lambda, Step Functions, CloudWatch Logs and HTTP APIs, each with its source.

It decides whether a stage can exist on these platforms and says everything that is wrong with it.
It never clamps, and it does not know which values a stage should have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from settings.concurrency import concurrency_rules
from settings.errors import Violation
from settings.schedules import campaign_rules
from settings.stage import FunctionSettings, MapChildren, StageSettings


@dataclass(frozen=True, kw_only=True)
class Range:
    """An inclusive range that a platform allows, and the page that says so."""

    low: float
    high: float
    unit: str
    source: str

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:.10g} {self.unit} ({self.source})"

    def check(self, field: str, value: float) -> Iterator[Violation]:
        """Yield the violation of `field`, if it is one."""
        if not self.low <= value <= self.high:
            yield Violation(field, value, str(self))


_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_LAMBDA_PROVISIONED = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"
_STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_STATES_TYPES = "https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html"
_STATES_MAP = "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"
_STATES_TOLERATED = (
    "https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html"
)
_HTTP_API = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"
_LOGS = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
    "API_PutRetentionPolicy.html"
)
_S3_EXPIRY = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html"

LAMBDA_MEMORY_MB = Range(low=128, high=10_240, unit="MB", source=_LAMBDA)
LAMBDA_TIMEOUT_S = Range(low=1, high=900, unit="s", source=_LAMBDA)
# An account starts with 1,000 (new ones with as few as 10) and is raised on request.
LAMBDA_CONCURRENCY = Range(low=1, high=1_000_000, unit="execution environments", source=_LAMBDA)
PROVISIONED_TARGET = Range(low=0.1, high=0.9, unit="utilisation", source=_LAMBDA_PROVISIONED)
MAP_CONCURRENCY = Range(low=1, high=10_000, unit="child executions", source=_STATES_MAP)
TOLERATED_FAILURES = Range(low=0, high=100, unit="% of a job's shards", source=_STATES_TOLERATED)
EXECUTION_S = Range(low=1, high=31_536_000, unit="s", source=_STATES)
EXPRESS_EXECUTION_S = Range(low=1, high=300, unit="s with EXPRESS children", source=_STATES_TYPES)
HTTP_INTEGRATION_S = Range(low=1, high=30, unit="s behind an HTTP API", source=_HTTP_API)
# What an account has by default: above it, the account throttles before the stage does.
HTTP_RATE_PER_S = Range(low=1, high=10_000, unit="requests/s", source=_HTTP_API)
HTTP_BURST = Range(low=1, high=5_000, unit="requests", source=_HTTP_API)
OBJECT_EXPIRY_DAYS = Range(low=1, high=2_147_483_647, unit="days", source=_S3_EXPIRY)

# fmt: off
LOG_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on


def platform_limits(stage: StageSettings) -> Iterator[Violation]:
    """Every way in which `stage` asks for what its platforms do not offer."""
    yield from LAMBDA_CONCURRENCY.check("account_concurrency", stage.account_concurrency)
    for name, function in stage.functions.items():
        yield from _function_limits(name, function)
    yield from concurrency_rules(stage)
    yield from _workflow_limits(stage)
    for name in ("predict", "jobs"):
        yield from HTTP_INTEGRATION_S.check(f"{name}.timeout_s", stage.functions[name].timeout_s)
    yield from HTTP_RATE_PER_S.check("api.rate_per_s", stage.api.rate_per_s)
    yield from HTTP_BURST.check("api.burst", stage.api.burst)
    if stage.log_retention_days not in LOG_RETENTION_DAYS:
        allowed = f"one of {', '.join(map(str, LOG_RETENTION_DAYS))} days ({_LOGS})"
        yield Violation("log_retention_days", stage.log_retention_days, allowed)
    if stage.expire_objects_days is not None:
        yield from OBJECT_EXPIRY_DAYS.check("expire_objects_days", stage.expire_objects_days)
    if stage.account is not None and stage.region is None:
        yield Violation("region", None, "a region, because an account is given")


def _function_limits(name: str, function: FunctionSettings) -> Iterator[Violation]:
    yield from LAMBDA_MEMORY_MB.check(f"{name}.memory_mb", function.memory_mb)
    yield from LAMBDA_TIMEOUT_S.check(f"{name}.timeout_s", function.timeout_s)
    if function.provisioned is None:
        return
    kept = function.provisioned
    yield from PROVISIONED_TARGET.check(
        f"{name}.provisioned.target_utilization", kept.target_utilization
    )
    # A minimum of 0 deploys once and breaks the next deployment:
    # https://github.com/aws/aws-cdk/issues/29992
    if kept.minimum < 1:
        allowed = "at least 1, or no provisioned concurrency at all"
        yield Violation(f"{name}.provisioned.minimum", kept.minimum, allowed)
    if kept.maximum < kept.minimum:
        allowed = f"at least {name}.provisioned.minimum, {kept.minimum}"
        yield Violation(f"{name}.provisioned.maximum", kept.maximum, allowed)
    yield from campaign_rules(name, kept)


def _workflow_limits(stage: StageSettings) -> Iterator[Violation]:
    yield from MAP_CONCURRENCY.check("map_concurrency", stage.map_concurrency)
    yield from MAP_CONCURRENCY.check("reduce_concurrency", stage.reduce_concurrency)
    yield from TOLERATED_FAILURES.check(
        "tolerated_failure_percentage", stage.tolerated_failure_percentage
    )
    yield from EXECUTION_S.check("job_timeout_s", stage.job_timeout_s)
    if stage.map_children is MapChildren.EXPRESS:
        yield from EXPRESS_EXECUTION_S.check("classify.timeout_s", stage.classify.timeout_s)
        yield from EXPRESS_EXECUTION_S.check("reduce.timeout_s", stage.reduce.timeout_s)
