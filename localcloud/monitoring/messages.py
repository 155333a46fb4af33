"""What an alarm writes when its state changes: the message that its topics carry.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import botocore.session

from localcloud.monitoring.alarms import Change
from localcloud.monitoring.evaluation import MISSING

if TYPE_CHECKING:
    from localcloud.context import CloudContext

_SUBJECT_AT_MOST = 100


def subject(context: CloudContext, change: Change) -> str:
    """The title, in which a long name ends early."""
    place = region_name(context.region)
    text = f'{change.state}: "{change.alarm.name}" in {place}'
    return text if len(text) <= _SUBJECT_AT_MOST else f"{text[: _SUBJECT_AT_MOST - 3]}..."


def message(context: CloudContext, change: Change) -> str:
    """JSON; a composite alarm's has its rule where a metric alarm's has its trigger."""
    alarm = change.alarm
    content: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": context.account,
        "AlarmConfigurationUpdatedTimestamp": _stamp(alarm.configuration_updated_timestamp),
        "NewStateValue": change.state,
        "NewStateReason": change.reason,
        "StateChangeTime": _stamp(change.at),
        "Region": region_name(context.region),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.former,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule is None:
        content["Trigger"] = _trigger(alarm)
    else:
        content["AlarmRule"] = alarm.rule
    return json.dumps(content)


@functools.lru_cache
def region_name(region: str) -> str:
    """What AWS calls a region, such as `US East (N. Virginia)`."""
    endpoints = botocore.session.get_session().get_data("endpoints")
    for partition in endpoints["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def _trigger(alarm: Any) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or MISSING,
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    if alarm.metric_data_queries:
        trigger["Metrics"] = [_query(query) for query in alarm.metric_data_queries]
        return trigger
    trigger |= {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "Unit": alarm.unit,
        "Dimensions": _dimensions(alarm.dimensions),
    }
    if alarm.extended_statistic:
        trigger |= {
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": alarm.extended_statistic,
        }
    else:
        trigger |= {"StatisticType": "Statistic", "Statistic": alarm.statistic.upper()}
    return trigger


def _query(query: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"Id": query.id, "ReturnData": query.return_data is not False}
    if query.label:
        told["Label"] = query.label
    if query.metric_stat is None:
        return {**told, "Expression": query.expression}
    stat = query.metric_stat
    return {
        **told,
        "MetricStat": {
            "Metric": {
                "Dimensions": _dimensions(stat.metric.dimensions),
                "MetricName": stat.metric.metric_name,
                "Namespace": stat.metric.namespace,
            },
            "Period": int(stat.period),
            "Stat": stat.stat,
        },
    }


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"value": each.value, "name": each.name} for each in dimensions]


def _stamp(date: Any) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%S.") + f"{date.microsecond // 1000:03d}+0000"
