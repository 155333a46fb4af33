"""One line in the log and one of metrics for each invocation, by Powertools for AWS Lambda.

It decides what is told: which job and shard, the request, whether the start was cold, how long it
took, what came of it. Nothing that a caller sent is told but identifiers that are well formed, and
of a failure only its kind; the runtime itself logs an exception that nobody caught.

Logger and Metrics only. Tracer stays out: decision 0012.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from shpc_core.telemetry import INITIALIZATION_TYPE
from shpc_lambda import metrics

_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ITEMS = ("shard", "group")

Handler = Callable[[Any, Any], Any]


class Observation:
    """What one execution environment has to tell; made once, while it initialises."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the variables that `telemetry_environment` of the stacks sets."""
        service = environment["POWERTOOLS_SERVICE_NAME"]
        # The line of code is always the same here. Lambda reads times of RFC 3339 only.
        self._logger = Logger(service=service, utc=True, use_rfc3339=True, location=None)
        self._namespace = environment["POWERTOOLS_METRICS_NAMESPACE"]
        self._counts = environment["POWERTOOLS_METRICS_DISABLED"] != "true"
        self._dimensions = {"service": service, "stage": environment["STAGE"]}
        # A provisioned environment was initialised when nobody waited.
        self._cold = environment.get(INITIALIZATION_TYPE, "on-demand") == "on-demand"
        self._done: dict[str, int] = {}

    def done(self, *, images: int = 0, shards: int = 0) -> None:
        """Say how much work this invocation did."""
        self._done = {"images": images, "shards": shards}

    def about(self, *, job_id: str) -> None:
        """Say which job this invocation is about, where its event does not."""
        self._logger.append_keys(job_id=job_id)

    def each(self, handler: Handler) -> Handler:
        """Decorate a handler: every invocation of it is told."""

        @self._logger.inject_lambda_context(clear_state=True)
        @wraps(handler)
        def observed(event: Any, context: Any) -> Any:
            self._logger.append_keys(**_identifiers(event))
            self._done = {}
            started = time.perf_counter()
            try:
                result = handler(event, context)
            except Exception as error:
                self._tell(started, failure=metrics.kind_of(error))
                raise
            status = result.get("statusCode") if isinstance(result, dict) else None
            broken = isinstance(status, int) and status >= 500
            self._tell(started, failure=metrics.UNEXPECTED if broken else None, status=status)
            return result

        return observed

    def _tell(self, started: float, *, failure: str | None, status: int | None = None) -> None:
        took_ms = round((time.perf_counter() - started) * 1000, 3)
        told = {"status": status, "error": failure, **self._done}
        told = {name: value for name, value in told.items() if value}
        tell = self._logger.error if failure else self._logger.info
        tell("failed" if failure else "done", extra={"took_ms": took_ms, **told})
        if self._counts:
            self._count(took_ms, failure)
        self._cold = False

    def _count(self, took_ms: float, failure: str | None) -> None:
        counted = self._metrics()
        counted.add_metric(metrics.COLD_STARTS, "Count", int(self._cold))
        if images := self._done.get("images"):
            counted.add_metric(metrics.IMAGES, "Count", images)
            counted.add_metric(metrics.TIME_PER_IMAGE, "Milliseconds", took_ms / images)
        if shards := self._done.get("shards"):
            counted.add_metric(metrics.SHARDS, "Count", shards)
        counted.flush_metrics()
        if failure:
            failed = self._metrics(error=failure)
            failed.add_metric(metrics.FAILURES, "Count", 1)
            failed.flush_metrics()

    def _metrics(self, **more: str) -> EphemeralMetrics:
        return EphemeralMetrics(
            namespace=self._namespace, default_dimensions={**self._dimensions, **more}
        )


def _identifiers(event: Any) -> dict[str, str | int]:
    """The job, and the shard or group, of an event of the workflow; whatever else is sent."""
    if not isinstance(event, dict):
        return {}
    found: dict[str, str | int] = {}
    job_id = event.get("job_id")
    if isinstance(job_id, str) and _JOB_ID.fullmatch(job_id):
        found["job_id"] = job_id
    for name in _ITEMS:
        item = event.get(name)
        number = item.get(name) if isinstance(item, dict) else None
        if isinstance(number, int):
            found[name] = number
    return found
