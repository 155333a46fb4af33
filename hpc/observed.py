"""What AWS itself observed of the classify function: throttled invocations and the architecture.

Throttles are not needed for the results, so where they cannot be read the count is None with the
reason, never a made-up 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from prices.us_east_1 import Architecture

_PERIOD = timedelta(minutes=1)
_WAITS_S = (0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True, kw_only=True)
class Throttles:
    """How many invocations were refused in the job's window; `reason` says why it is not known."""

    count: int | None
    reason: str | None


def read_throttles(
    cloudwatch: Any,
    *,
    function_name: str,
    started_at: datetime,
    stopped_at: datetime,
    invocations: int,
    sleep: Callable[[float], None] = time.sleep,
) -> Throttles:
    """Sum of the function's AWS/Lambda `Throttles` over the minutes around the job.

    Metrics come late (seconds in the embedded cloud, minutes on AWS), and none comes where there is
    nothing to count. So the sum is believed once `Invocations` shows at least the job's own
    `invocations`, which is waited for a few seconds.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    begin = started_at.astimezone(UTC).replace(second=0, microsecond=0)
    # A metric may carry the minute in which it was published instead of the invocation's.
    end = stopped_at.astimezone(UTC).replace(second=0, microsecond=0) + 2 * _PERIOD
    try:
        for wait_s in (*_WAITS_S, None):
            seen = _sum(cloudwatch, "Invocations", function_name, begin, end)
            if seen >= invocations:
                throttles = _sum(cloudwatch, "Throttles", function_name, begin, end)
                return Throttles(count=throttles, reason=None)
            if wait_s is not None:
                sleep(wait_s)
    except (ClientError, BotoCoreError) as error:
        return Throttles(count=None, reason=f"CloudWatch could not be read: {error}")
    return Throttles(
        count=None, reason=f"CloudWatch shows {seen} of {invocations} invocations so far"
    )


def read_architecture(lambda_client: Any, *, function_name: str) -> Architecture:
    """The instruction set the function runs on, which its price depends on.

    Raises botocore's errors: without it there is no price.
    """
    configuration = lambda_client.get_function_configuration(FunctionName=function_name)
    architecture: Architecture = configuration.get("Architectures", ["x86_64"])[0]
    return architecture


def _sum(cloudwatch: Any, metric: str, function_name: str, begin: datetime, end: datetime) -> int:
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function_name}],
        StartTime=begin,
        EndTime=end,
        Period=_PERIOD.seconds,
        Statistics=["Sum"],
    )
    return round(sum(point["Sum"] for point in answer["Datapoints"]))
