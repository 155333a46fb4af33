"""CloudWatch's API of metrics, answered from what this cloud measures instead of moto's list.

moto keeps every value that was put, adds up metrics of other dimensions, and knows no percentiles.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import (
    InvalidParameterCombination,
    InvalidParameterValue,
    ValidationError,
)
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from localcloud.monitoring.metrics import KEPT_S, MINUTE_S, Metric, Metrics
from localcloud.monitoring.queries import Queries, Query, QueryError, Stat, read_expression
from localcloud.monitoring.statistics import UnknownStatisticError, check_statistic
from localcloud.services.patches import Patch, method

_POINTS_AT_MOST = 1440


def metric_patches(metrics: Metrics) -> list[Patch]:
    """What to apply while a cloud is up."""
    api = _MetricApi(metrics)
    return [
        Patch(
            CloudWatchBackend,
            "put_metric_data",
            method(api.put),
            "every value is kept for ever",
        ),
        Patch(
            CloudWatchResponse,
            "get_metric_statistics",
            method(api.statistics),
            "adds up metrics of other dimensions; periods begin anywhere; no percentiles",
        ),
        Patch(
            CloudWatchResponse,
            "get_metric_data",
            method(api.data),
            "no metric math but ids, no percentiles; periods begin anywhere",
        ),
        Patch(
            CloudWatchBackend,
            "list_metrics",
            method(api.list),
            "lists what was put, value by value",
        ),
    ]


class _MetricApi:
    """Each method takes moto's object in whose place it answers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def put(self, backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, 1):
            backend._validate_parameters_put_metric_data(datum, number)
        for datum in metric_data:
            self._put_one(namespace, datum)

    def _put_one(self, namespace: str, datum: Mapping[str, Any]) -> None:
        metric = Metric.of(namespace, datum["MetricName"], _dimensions(datum))
        at = _seconds(datum["Timestamp"]) if datum.get("Timestamp") else None
        unit = datum.get("Unit")
        if datum.get("StatisticValues"):
            stats = datum["StatisticValues"]
            self._metrics.add_set(
                metric,
                count=float(stats["SampleCount"]),
                total=float(stats["Sum"]),
                smallest=float(stats["Minimum"]),
                largest=float(stats["Maximum"]),
                unit=unit,
                at=at,
            )
            return
        values = datum.get("Values") or [datum.get("Value", 0)]
        counts = datum.get("Counts") or [1] * len(values)
        for value, count in zip(values, counts, strict=True):
            self._metrics.add(metric, float(value), unit=unit, at=at, count=float(count))

    def statistics(self, response: Any) -> ActionResult:
        asked = response._get_param
        names = [*asked("Statistics", []), *asked("ExtendedStatistics", [])]
        if not names:
            raise InvalidParameterCombination(
                "Must specify either Statistics or ExtendedStatistics"
            )
        for name in names:
            try:
                check_statistic(name)
            except UnknownStatisticError as error:
                raise InvalidParameterValue(str(error)) from error
        metric = Metric.of(
            asked("Namespace"),
            asked("MetricName"),
            _dimensions({"Dimensions": asked("Dimensions")}),
        )
        period_s = int(asked("Period"))
        unit = asked("Unit")
        points = []
        for time in _times(asked("StartTime"), asked("EndTime"), period_s):
            values = self._metrics.between(metric, time, time + period_s)
            if values is None or (unit and values.unit != unit):
                continue
            found = {name: values.statistic(name) for name in names}
            points.append(
                {
                    "Timestamp": _date(time),
                    "Unit": values.unit or "None",
                    **{name: found[name] for name in asked("Statistics", [])},
                    "ExtendedStatistics": {
                        name: found[name] for name in asked("ExtendedStatistics", [])
                    }
                    or None,
                }
            )
        return ActionResult({"Label": metric.name, "Datapoints": points})

    def data(self, response: Any) -> ActionResult:
        asked = response._get_params()
        try:
            queries = Queries(tuple(_query(one) for one in asked.get("MetricDataQueries", [])))
            results = [
                result for query in queries.all if (result := self._result(query, queries, asked))
            ]
        except QueryError as error:
            raise ValidationError(str(error)) from error
        return ActionResult({"MetricDataResults": results})

    def _result(
        self, query: Query, queries: Queries, asked: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        if not query.returned:
            return None
        period_s = query.what.period_s if isinstance(query.what, Stat) else queries.one_period()
        times = _times(asked["StartTime"], asked["EndTime"], period_s)
        one = (query,) if isinstance(query.what, Stat) else queries.all
        series = Queries(one).series(self._metrics, times, period_s)[query.query_id]
        newest_first = asked.get("ScanBy") != "TimestampAscending"
        points = sorted(series.items(), reverse=newest_first)
        return {
            "Id": query.query_id,
            "Label": query.label or _label(query),
            "Timestamps": [_date(time) for time, _ in points],
            "Values": [value for _, value in points],
            "StatusCode": "Complete",
        }

    def list(
        self,
        backend: Any,
        next_token: str | None,
        namespace: str | None,
        metric_name: str | None,
        dimensions: Sequence[Mapping[str, str]],
    ) -> tuple[str | None, list[Any]]:
        found = [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in metric.dimensions],
            }
            for metric in self._metrics.all()
            if namespace in (None, metric.namespace)
            and metric_name in (None, metric.name)
            and all(_has(metric, wanted) for wanted in dimensions or ())
        ]
        if next_token:
            found = backend.paged_metric_data.pop(next_token, [])
        page: tuple[str | None, list[Any]] = backend._get_paginated(found)
        return page


def _has(metric: Metric, wanted: Mapping[str, str]) -> bool:
    value = dict(metric.dimensions).get(wanted["Name"])
    return value is not None and wanted.get("Value") in (None, value)


def _query(asked: Mapping[str, Any]) -> Query:
    returned = str(asked.get("ReturnData", True)).lower() != "false"
    if "MetricStat" not in asked:
        expression = read_expression(asked.get("Expression", ""))
        return Query(asked["Id"], expression, returned, asked.get("Label"))
    stat = asked["MetricStat"]
    metric = stat["Metric"]
    what = Stat(
        Metric.of(metric["Namespace"], metric["MetricName"], _dimensions(metric)),
        stat["Stat"],
        int(stat["Period"]),
        stat.get("Unit"),
    )
    return Query(asked["Id"], what, returned, asked.get("Label"))


def _label(query: Query) -> str:
    what = query.what
    return f"{what.metric.name} {what.statistic}" if isinstance(what, Stat) else query.query_id


def _dimensions(asked: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in asked.get("Dimensions") or ()}


def _times(start: datetime, end: datetime, period_s: int) -> list[int]:
    """When the periods begin: at whole minutes, from `start` or a day before `end` on."""
    if period_s < MINUTE_S or period_s % MINUTE_S:
        raise InvalidParameterValue(f"Period {period_s}; modelled: whole minutes, in seconds")
    first, last = _seconds(start), _seconds(end)
    if first >= last:
        raise InvalidParameterValue(
            "The parameter StartTime must be less than the parameter EndTime."
        )
    first = max(first, last - KEPT_S - period_s) // MINUTE_S * MINUTE_S
    times = range(int(first), int(last - 1e-6) + 1, period_s)
    if len(times) > _POINTS_AT_MOST + 1:
        raise InvalidParameterCombination(f"More than {_POINTS_AT_MOST} datapoints are asked for")
    return list(times)


def _seconds(date: datetime) -> float:
    """moto hands over times of UTC without saying so."""
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
