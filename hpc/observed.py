"""What AWS itself observed of the classify function: throttled invocations and the architecture.

Throttles are not needed for the results, so where they cannot be read the count is None with the
reason, never a made-up 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hpc.prices import Architecture

_PERIOD_S = 60


@dataclass(frozen=True, kw_only=True)
class Throttles:
    """How many invocations were refused in the job's window; `reason` says why it is not known."""

    count: int | None
    reason: str | None


def read_throttles(
    cloudwatch: Any, *, function_name: str, started_at: datetime, stopped_at: datetime
) -> Throttles:
    """Sum of AWS/Lambda `Throttles` over the minutes that the job touched.

    Lambda publishes a metric only when there is something to count, and minutes late; so no
    throttles are believed only where the same window shows invocations or throttles at all.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    begin = started_at.astimezone(UTC).replace(second=0, microsecond=0)
    end = stopped_at.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(seconds=_PERIOD_S)
    try:
        sums = {
            metric: _sum(cloudwatch, metric, function_name, begin, end)
            for metric in ("Throttles", "Invocations")
        }
    except (ClientError, BotoCoreError) as error:
        return Throttles(count=None, reason=f"CloudWatch could not be read: {error}")
    if sums["Throttles"] is None and not sums["Invocations"]:
        return Throttles(
            count=None, reason="CloudWatch shows no invocations in the job's window (yet)"
        )
    return Throttles(count=sums["Throttles"] or 0, reason=None)


def read_architecture(lambda_client: Any, *, function_name: str) -> Architecture:
    """The instruction set the function runs on, which its price depends on.

    Raises botocore's errors: without it there is no price.
    """
    configuration = lambda_client.get_function_configuration(FunctionName=function_name)
    architecture: Architecture = configuration.get("Architectures", ["x86_64"])[0]
    return architecture


def _sum(
    cloudwatch: Any, metric: str, function_name: str, begin: datetime, end: datetime
) -> int | None:
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function_name}],
        StartTime=begin,
        EndTime=end,
        Period=_PERIOD_S,
        Statistics=["Sum"],
    )
    points = answer["Datapoints"]
    return round(sum(point["Sum"] for point in points)) if points else None
