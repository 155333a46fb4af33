"""Metrics that functions write into their logs, in the embedded metric format.

A line that is JSON with `_aws.CloudWatchMetrics` becomes metrics; one that breaks the format's
rules becomes none, as on AWS, and is a log line either way. At most 100 metrics a directive, 100
values a metric, 30 dimensions a set.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.monitoring.metrics import KEPT_S, Metric, Metrics

_MARK = '"CloudWatchMetrics"'
_METRICS_AT_MOST = 100
_VALUES_AT_MOST = 100
_DIMENSIONS_AT_MOST = 30
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
_AHEAD_S = 2 * 3600


def publish_embedded(metrics: Metrics, line: str) -> None:
    """Publish the metrics in a log line, if there are any."""
    # Nearly no line is one of these: most cost no more than this.
    if not line.startswith("{") or _MARK not in line:
        return
    try:
        content = json.loads(line)
        found = list(_read(content))
    except (KeyError, TypeError, ValueError, AttributeError):
        return
    now = metrics.clock()
    at = content["_aws"].get("Timestamp", now * 1000) / 1000
    if not now - KEPT_S <= at <= now + _AHEAD_S:
        return
    for metric, unit, values in found:
        for value in values:
            metrics.add(metric, value, unit=unit, at=at)


def _read(content: Mapping[str, Any]) -> Iterator[tuple[Metric, str, list[float]]]:
    """Raises KeyError, TypeError, ValueError or AttributeError where the format is broken."""
    for directive in content["_aws"]["CloudWatchMetrics"]:
        definitions = directive["Metrics"]
        if len(definitions) > _METRICS_AT_MOST:
            raise ValueError("more metrics than a directive may have")
        for names in directive["Dimensions"]:
            if len(names) > _DIMENSIONS_AT_MOST:
                raise ValueError("more dimensions than a set may have")
            dimensions = {name: _text(content[name]) for name in names}
            for definition in definitions:
                metric = Metric.of(directive["Namespace"], definition["Name"], dimensions)
                values = _values(content[definition["Name"]])
                yield metric, definition.get("Unit", "None"), values


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a dimension's value must be a string")
    return value


def _values(target: Any) -> list[float]:
    values = target if isinstance(target, list) else [target]
    if len(values) > _VALUES_AT_MOST or any(
        isinstance(value, bool) or not isinstance(value, int | float) for value in values
    ):
        raise TypeError("a metric's value must be a number, or 100 of them at most")
    return [float(value) for value in values]
