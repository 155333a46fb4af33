"""Lambda's metrics in this cloud's CloudWatch, as a client reads them on AWS.

The invoking threads add to running sums; what has come together is published at most once a
second or on flush, one statistic set per metric, so that memory does not grow with the number of
invocations. Sums, averages, extremes and sample counts are exact; percentiles are not to be had.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.core.utils import utcnow

NAMESPACE = "AWS/Lambda"

_COUNT = "Count"
_MILLISECONDS = "Milliseconds"

_Dimensions = tuple[tuple[str, str], ...]


class _StatisticSet(MetricAggregatedDatum):
    """CloudWatch takes dimensions exactly; moto's GetMetricStatistics adds up every superset."""

    def filter(
        self,
        namespace: str | None,
        name: str | None,
        dimensions: list[dict[str, str]],
        already_present_metrics: list[Any] | None = None,
    ) -> bool:
        asks_for_statistics = namespace is None and name is None
        if asks_for_statistics and len(dimensions) != len(self.dimensions):
            return False
        return super().filter(namespace, name, dimensions, already_present_metrics)


@dataclass
class _Sum:
    unit: str
    total: float = 0.0
    count: int = 0
    smallest: float = float("inf")
    largest: float = float("-inf")

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1
        self.smallest = min(self.smallest, value)
        self.largest = max(self.largest, value)


class LambdaMetrics:
    """Publishes into the CloudWatch of one account and region.

    In every method `resource` is the function's name, with the qualifier it was called by if any.
    """

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._sums: dict[tuple[str, _Dimensions], _Sum] = {}
        self._lock = threading.Lock()

    def invoked(self, function: str, resource: str, *, duration_ms: float, failed: bool) -> None:
        """One invocation that ran."""
        with self._lock:
            self._add(function, resource, "Invocations", 1)
            self._add(function, resource, "Errors", int(failed))
            self._add(function, resource, "Throttles", 0)
            self._add(function, resource, "Duration", duration_ms, _MILLISECONDS)

    def throttled(self, function: str, resource: str) -> None:
        """One invocation that was refused."""
        with self._lock:
            self._add(function, resource, "Throttles", 1)

    def undelivered(self, function: str, resource: str, metric: str) -> None:
        """One record or dead letter that did not arrive, by the name AWS counts it under."""
        with self._lock:
            self._add(function, resource, metric, 1)

    def concurrent(self, function: str, resource: str, concurrency: int) -> None:
        """How many invocations of the function run."""
        with self._lock:
            self._add(function, resource, "ConcurrentExecutions", concurrency)

    def provisioned(self, function: str, resource: str, *, in_use: int, provisioned: int) -> None:
        """How much of the provisioned concurrency runs, this invocation included."""
        used = min(in_use, provisioned)
        prefix = "ProvisionedConcurrency"
        with self._lock:
            self._add(function, resource, "ProvisionedConcurrentExecutions", used)
            self._add(function, resource, f"{prefix}Utilization", used / provisioned)
            self._add(function, resource, f"{prefix}Invocations", int(in_use <= provisioned))
            self._add(
                function, resource, f"{prefix}SpilloverInvocations", int(in_use > provisioned)
            )

    def flush(self) -> None:
        """Publish what has come together since the last time."""
        with self._lock:
            sums, self._sums = self._sums, {}
        backend: Any = cloudwatch_backends[self._account][self._region]
        now = utcnow()
        for (name, dimensions), gathered in sums.items():
            backend.metric_data.append(
                _StatisticSet(
                    namespace=NAMESPACE,
                    name=name,
                    min_stat=gathered.smallest,
                    max_stat=gathered.largest,
                    sample_count=float(gathered.count),
                    sum_stat=gathered.total,
                    dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
                    timestamp=now,
                    unit=gathered.unit,
                )
            )

    def _add(
        self, function: str, resource: str, name: str, value: float, unit: str = _COUNT
    ) -> None:
        by_function: _Dimensions = (("FunctionName", function),)
        self._sums.setdefault((name, by_function), _Sum(unit)).add(value)
        if resource != function:
            by_resource = (*by_function, ("Resource", resource))
            self._sums.setdefault((name, by_resource), _Sum(unit)).add(value)
