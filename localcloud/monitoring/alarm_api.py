"""CloudWatch's API of alarms, where moto lacks an operation or keeps to other rules.

An alarm that is not modelled is refused when it is put, so that none stays silent. The states are
those that the evaluation gives; a changed alarm keeps its own.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import (
    ResourceNotFound,
    ResourceNotFoundException,
    ValidationError,
)
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from localcloud.monitoring.alarm_rules import AlarmRule, InvalidRuleError
from localcloud.monitoring.alarms import Alarms, record
from localcloud.monitoring.definitions import InvalidAlarmError, check_actions, definition_of
from localcloud.monitoring.evaluation import ALARM, INSUFFICIENT_DATA, OK
from localcloud.services.patches import Patch, method

_stock_put = CloudWatchBackend.put_metric_alarm
_stock_delete_dashboards = CloudWatchBackend.delete_dashboards
_METRIC, _COMPOSITE = "MetricAlarm", "CompositeAlarm"


def alarm_patches(alarms: Alarms) -> list[Patch]:
    """What to apply while a cloud is up."""
    api = _AlarmApi(alarms)
    return [
        Patch(
            CloudWatchBackend,
            "put_metric_alarm",
            method(api.put),
            "a new alarm is OK; a changed one loses its state; nothing is checked",
        ),
        Patch(
            CloudWatchBackend,
            "set_alarm_state",
            method(api.set_state),
            "no action follows, and the history keeps the former state only",
        ),
        Patch(
            CloudWatchBackend,
            "tag_resource",
            method(_tag),
            "dashboards cannot be tagged",
        ),
        Patch(
            CloudWatchBackend,
            "delete_dashboards",
            method(_delete_dashboards),
            "tags of a deleted dashboard stay, for the next one of its name",
        ),
        Patch(
            CloudWatchResponse,
            "describe_alarms",
            method(api.describe),
            "composite alarms come unasked; AlarmTypes and several filters at once are passed over",
        ),
        Patch(
            CloudWatchResponse,
            "put_composite_alarm",
            method(api.put_composite),
            "PutCompositeAlarm is not there",
            adds=True,
        ),
        Patch(
            CloudWatchResponse,
            "describe_alarm_history",
            method(api.history),
            "DescribeAlarmHistory is not there",
            adds=True,
        ),
    ]


def _tag(backend: Any, arn: str, tags: dict[str, str]) -> None:
    known = [alarm.alarm_arn for alarm in backend.alarms.values()]
    known += [dashboard.arn for dashboard in backend.dashboards.values()]
    if arn not in known:
        raise ResourceNotFoundException
    backend.tagger.tag_resource(arn, backend.tagger.convert_dict_to_tags_input(tags))


def _delete_dashboards(backend: Any, dashboards: list[str]) -> str | None:
    for name in dashboards:
        if name in backend.dashboards:
            backend.tagger.delete_all_tags_for_resource(backend.dashboards[name].arn)
    left: str | None = _stock_delete_dashboards(backend, dashboards)
    return left


class _AlarmApi:
    """Each method takes moto's object in whose place it answers."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def put(self, backend: Any, *args: Any, **kwargs: Any) -> Any:
        name = kwargs["name"]
        former = backend.alarms.get(name)
        if former is not None:
            # Tags of an alarm that exists are passed over.
            kwargs["tags"] = None
        alarm = _stock_put(backend, *args, **kwargs)
        try:
            _check(backend, alarm)
        except (InvalidAlarmError, InvalidRuleError) as error:
            if former is None:
                backend.delete_alarms([name])
            else:
                backend.alarms[name] = former
            raise ValidationError(str(error)) from error
        self._keep_state(alarm, former)
        return alarm

    def _keep_state(self, alarm: Any, former: Any) -> None:
        now = datetime.fromtimestamp(self._alarms.clock(), UTC)
        alarm.configuration_updated_timestamp = now.replace(tzinfo=None)
        if former is None:
            alarm.state_value = INSUFFICIENT_DATA
            alarm.state_updated_timestamp = alarm.configuration_updated_timestamp
            summary = f'Alarm "{alarm.name}" created'
        else:
            for name in (
                "history",
                "state_reason",
                "state_reason_data",
                "state_updated_timestamp",
                "state_value",
            ):
                setattr(alarm, name, getattr(former, name))
            summary = f'Alarm "{alarm.name}" updated'
        record(alarm, "ConfigurationUpdate", summary, {"version": "1.0"}, now)

    def put_composite(self, response: Any) -> EmptyResult:
        asked = response._get_param
        response.cloudwatch_backend.put_metric_alarm(
            name=asked("AlarmName"),
            namespace=None,
            metric_name=None,
            comparison_operator=None,
            evaluation_periods=None,
            period=None,
            threshold=None,
            statistic=None,
            description=asked("AlarmDescription"),
            dimensions=[],
            alarm_actions=asked("AlarmActions", []),
            ok_actions=asked("OKActions", []),
            insufficient_data_actions=asked("InsufficientDataActions", []),
            actions_enabled=response._get_bool_param("ActionsEnabled"),
            rule=asked("AlarmRule"),
            tags=asked("Tags", []),
        )
        return EmptyResult()

    def set_state(
        self, backend: Any, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        if alarm_name not in backend.alarms:
            raise ResourceNotFound
        if state_value not in (OK, ALARM, INSUFFICIENT_DATA):
            raise ValidationError(f"StateValue {state_value!r}; allowed: OK, ALARM, {_NO_DATA}")
        self._alarms.set_state(backend.alarms[alarm_name], state_value, reason, reason_data)

    def describe(self, response: Any) -> ActionResult:
        types = response._get_param("AlarmTypes") or [_METRIC]
        found = [alarm for alarm in _asked_for(response) if _type(alarm) in types]
        return ActionResult(
            {
                "MetricAlarms": [alarm for alarm in found if alarm.rule is None],
                "CompositeAlarms": [alarm for alarm in found if alarm.rule is not None],
            }
        )

    def history(self, response: Any) -> ActionResult:
        name = response._get_param("AlarmName")
        kind = response._get_param("HistoryItemType")
        types = response._get_param("AlarmTypes") or [_METRIC]
        items = [
            item
            for alarm in list(response.cloudwatch_backend.alarms.values())
            if name in (None, alarm.name) and (_type(alarm) in types or name)
            for item in alarm.history
            if kind in (None, item["HistoryItemType"])
        ]
        newest_first = response._get_param("ScanBy") != "TimestampAscending"
        items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
        at_most = response._get_int_param("MaxRecords") or 100
        return ActionResult({"AlarmHistoryItems": items[:at_most]})


_NO_DATA = INSUFFICIENT_DATA


def _check(backend: Any, alarm: Any) -> None:
    """Raises InvalidAlarmError or InvalidRuleError."""
    check_actions(alarm)
    if alarm.rule is None:
        definition_of(alarm)
        return
    wanted = AlarmRule.read(alarm.rule).alarms
    if alarm.name in wanted:
        raise InvalidAlarmError(f"{alarm.name}: AlarmRule asks for itself")
    if unknown := sorted(wanted - set(backend.alarms)):
        raise InvalidAlarmError(
            f"{alarm.name}: AlarmRule asks for alarms that are not there: {', '.join(unknown)}"
        )


def _type(alarm: Any) -> str:
    return _METRIC if alarm.rule is None else _COMPOSITE


def _asked_for(response: Any) -> Iterator[Any]:
    names: Iterable[str] = response._get_param("AlarmNames", [])
    prefix = response._get_param("AlarmNamePrefix") or ""
    state = response._get_param("StateValue")
    action = response._get_param("ActionPrefix") or ""
    for alarm in list(response.cloudwatch_backend.alarms.values()):
        actions = (*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions)
        if (
            (not names or alarm.name in names)
            and alarm.name.startswith(prefix)
            and state in (None, alarm.state_value)
            and (not action or any(one.startswith(action) for one in actions))
        ):
            yield alarm
