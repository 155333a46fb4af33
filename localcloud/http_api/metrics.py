"""AWS/ApiGateway's metrics of an HTTP API, by API and by stage. Those by route are not published.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
"""

from __future__ import annotations

from localcloud.monitoring.metrics import COUNT, MILLISECONDS, Metrics

NAMESPACE = "AWS/ApiGateway"

_BYTES = "Bytes"


class ApiMetrics:
    """Publishes into the metrics of one cloud."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(
        self,
        api_id: str,
        stage: str,
        *,
        status: int,
        latency_ms: float,
        integration_ms: float | None,
        size_bytes: int,
    ) -> None:
        """One request, from arrival to answer; `integration_ms` where a function was called."""
        by_api = (("ApiId", api_id),)
        values = [
            ("Count", 1.0, COUNT),
            ("4xx", float(400 <= status < 500), COUNT),
            ("5xx", float(status >= 500), COUNT),
            ("Latency", latency_ms, MILLISECONDS),
            ("DataProcessed", float(size_bytes), _BYTES),
        ]
        if integration_ms is not None:
            values.append(("IntegrationLatency", integration_ms, MILLISECONDS))
        self._metrics.add_all(NAMESPACE, [by_api, (*by_api, ("Stage", stage))], values)
