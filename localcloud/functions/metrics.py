"""Lambda's metrics in this cloud's CloudWatch, as a client reads them on AWS.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html
"""

from __future__ import annotations

from localcloud.monitoring.metrics import COUNT, MILLISECONDS, Dimensions, Metric, Metrics

NAMESPACE = "AWS/Lambda"

_PREFIX = "ProvisionedConcurrency"
UTILIZATION = f"{_PREFIX}Utilization"
_EXECUTIONS = "ProvisionedConcurrentExecutions"

_Value = tuple[str, float, str]


class LambdaMetrics:
    """Publishes into the metrics of one cloud.

    In every method `resource` is the function's name, with the qualifier it was called by if any.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def invoked(self, function: str, resource: str, *, duration_ms: float, failed: bool) -> None:
        """One invocation that ran."""
        self._add(
            function,
            resource,
            ("Invocations", 1, COUNT),
            ("Errors", int(failed), COUNT),
            ("Throttles", 0, COUNT),
            ("Duration", duration_ms, MILLISECONDS),
        )

    def throttled(self, function: str, resource: str) -> None:
        """One invocation that was refused."""
        self._add(function, resource, ("Throttles", 1, COUNT))

    def undelivered(self, function: str, resource: str, metric: str) -> None:
        """One record or dead letter that did not arrive, by the name AWS counts it under."""
        self._add(function, resource, (metric, 1, COUNT))

    def concurrent(self, function: str, resource: str, concurrency: int) -> None:
        """How many invocations of the function run."""
        self._add(function, resource, ("ConcurrentExecutions", concurrency, COUNT))

    def provisioned(self, function: str, resource: str, *, in_use: int, provisioned: int) -> None:
        """How much of the provisioned concurrency runs, this invocation included."""
        self._add(
            function,
            resource,
            *_in_use(in_use, provisioned),
            (f"{_PREFIX}Invocations", int(in_use <= provisioned), COUNT),
            (f"{_PREFIX}SpilloverInvocations", int(in_use > provisioned), COUNT),
        )

    def provisioned_without_invocation(
        self, function: str, resource: str, *, in_use: int, provisioned: int, minute: float
    ) -> None:
        """The use of provisioned concurrency in a minute in which no invocation has told it."""
        told = Metric.of(NAMESPACE, UTILIZATION, {"FunctionName": function, "Resource": resource})
        if self._metrics.has(told, minute):
            return
        for name, value, unit in _in_use(in_use, provisioned):
            metric = Metric(told.namespace, name, told.dimensions)
            self._metrics.add(metric, value, unit=unit, at=minute)

    def _add(self, function: str, resource: str, *values: _Value) -> None:
        dimensions: list[Dimensions] = [(("FunctionName", function),)]
        if resource != function:
            dimensions.append((("FunctionName", function), ("Resource", resource)))
        self._metrics.add_all(NAMESPACE, dimensions, values)


def _in_use(in_use: int, provisioned: int) -> list[_Value]:
    used = min(in_use, provisioned)
    return [(_EXECUTIONS, used, COUNT), (UTILIZATION, used / provisioned, COUNT)]
