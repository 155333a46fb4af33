"""AWS/States' metrics of executions, by state machine; children of a Distributed Map have none.

Nothing throttles StartExecution here, so that there is no ExecutionThrottled.
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from __future__ import annotations

from datetime import datetime

from localcloud.monitoring.metrics import COUNT, MILLISECONDS, Metrics

NAMESPACE = "AWS/States"

_ENDS = {
    "ABORTED": "ExecutionsAborted",
    "FAILED": "ExecutionsFailed",
    "SUCCEEDED": "ExecutionsSucceeded",
    "TIMED_OUT": "ExecutionsTimedOut",
}


class ExecutionMetrics:
    """Publishes into the metrics of one cloud."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def started(self, machine_arn: str) -> None:
        """One execution began."""
        self._add(machine_arn, ("ExecutionsStarted", 1, COUNT))

    def redriven(self, machine_arn: str) -> None:
        """One execution goes on."""
        self._add(machine_arn, ("ExecutionsRedriven", 1, COUNT))

    def ended(
        self, machine_arn: str, status: str, *, begun: datetime, ended: datetime, redriven: bool
    ) -> None:
        """One execution is over; a redriven one counts under a second name, too."""
        milliseconds = (ended - begun).total_seconds() * 1000
        name = _ENDS[status]
        values = [(name, 1.0, COUNT), ("ExecutionTime", milliseconds, MILLISECONDS)]
        if redriven:
            values.append((f"Redriven{name}", 1.0, COUNT))
        self._add(machine_arn, *values)

    def _add(self, machine_arn: str, *values: tuple[str, float, str]) -> None:
        self._metrics.add_all(NAMESPACE, [(("StateMachineArn", machine_arn),)], values)
