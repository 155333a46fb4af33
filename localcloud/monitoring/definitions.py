"""What moto's record of an alarm asks for, read into values; refused where it is not modelled.

Not modelled: anomaly detection, Metrics Insights, high resolution, EvaluateLowSampleCountPercentile
"ignore", and actions on anything but topics and scaling policies.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from localcloud.monitoring.evaluation import COMPARISONS, MISSING, TREATMENTS, Condition
from localcloud.monitoring.metrics import KEPT_S, Metric
from localcloud.monitoring.queries import Queries, Query, QueryError, Stat, read_expression

_ACTION = re.compile(
    r"arn:aws:sns:[^:]+:\d{12}:[\w-]+(?P<fifo>\.fifo)?"
    r"|arn:aws:autoscaling:[^:]+:\d{12}:scalingPolicy:.+"
)


class InvalidAlarmError(ValueError):
    """An alarm that CloudWatch refuses, or that is not modelled; the text names what is wrong."""


@dataclass(frozen=True)
class Definition:
    """What an alarm looks at, and when it is in ALARM."""

    queries: Queries
    period_s: int
    result: str
    condition: Condition


def definition_of(alarm: Any) -> Definition:
    """Raises InvalidAlarmError."""
    try:
        queries = Queries(tuple(_queries(alarm)))
        period_s = queries.one_period()
        result = queries.the_returned()
    except QueryError as error:
        raise InvalidAlarmError(f"{alarm.name}: {error}") from error
    condition = _condition(alarm)
    if condition.evaluation_periods * period_s > KEPT_S:
        raise InvalidAlarmError(
            f"{alarm.name}: EvaluationPeriods times Period is more than {KEPT_S} seconds"
        )
    return Definition(queries, period_s, result, condition)


def _condition(alarm: Any) -> Condition:
    if alarm.threshold_metric_id is not None:
        raise InvalidAlarmError(f"{alarm.name}: ThresholdMetricId is not modelled")
    if alarm.evaluate_low_sample_count_percentile == "ignore":
        raise InvalidAlarmError(
            f"{alarm.name}: EvaluateLowSampleCountPercentile ignore is not modelled"
        )
    treatment = alarm.treat_missing_data or MISSING
    for field, value, allowed in (
        ("ComparisonOperator", alarm.comparison_operator, COMPARISONS),
        ("TreatMissingData", treatment, TREATMENTS),
    ):
        if value not in allowed:
            raise InvalidAlarmError(
                f"{alarm.name}: {field} {value!r} is not modelled; modelled: {', '.join(allowed)}"
            )
    if alarm.threshold is None:
        raise InvalidAlarmError(f"{alarm.name}: Threshold is missing")
    periods = int(alarm.evaluation_periods)
    datapoints = int(alarm.datapoints_to_alarm or periods)
    if not 1 <= datapoints <= periods:
        raise InvalidAlarmError(
            f"{alarm.name}: DatapointsToAlarm {datapoints}; allowed: 1 to EvaluationPeriods"
        )
    return Condition(
        alarm.comparison_operator, float(alarm.threshold), periods, datapoints, treatment
    )


def _queries(alarm: Any) -> Iterable[Query]:
    if not alarm.metric_data_queries:
        yield Query("m1", _single(alarm), returned=True)
    for query in alarm.metric_data_queries:
        # Here, as in a template, an expression returns data unless it says otherwise.
        returned = str(query.return_data).lower() not in ("false", "0")
        if query.metric_stat is None:
            yield Query(query.id, read_expression(query.expression or ""), returned)
        else:
            stat = query.metric_stat
            metric = _metric(stat.metric.namespace, stat.metric.metric_name, stat.metric.dimensions)
            what = Stat(metric, stat.stat, int(stat.period), stat.unit)
            yield Query(query.id, what, returned)


def _single(alarm: Any) -> Stat:
    if (alarm.statistic is None) == (alarm.extended_statistic is None):
        raise QueryError("one of Statistic and ExtendedStatistic must be given")
    metric = _metric(alarm.namespace, alarm.metric_name, alarm.dimensions)
    statistic = alarm.statistic or alarm.extended_statistic
    return Stat(metric, statistic, int(alarm.period or 0), alarm.unit)


def _metric(namespace: str, name: str, dimensions: Iterable[Any]) -> Metric:
    return Metric.of(namespace, name, {each.name: each.value for each in dimensions})


def check_actions(alarm: Any) -> None:
    """Raises InvalidAlarmError for an action that would not be carried out here."""
    for action in (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions):
        found = _ACTION.fullmatch(action)
        if found is None or found["fifo"]:
            raise InvalidAlarmError(
                f"{alarm.name}: action {action!r} is not modelled; modelled: standard topics, "
                "scaling policies"
            )
