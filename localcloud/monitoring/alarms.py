"""Evaluates the alarms of one cloud, keeps their states and history, and has their actions done.

An alarm is looked at once a minute, by the periods that ended then. Its actions are done when its
state changes; those on scaling policies also in every minute that it stays in the state:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
The records are moto's; a rule of composite alarms is read each time, as alarms come and go.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.models import cloudwatch_backends

from localcloud.monitoring.alarm_rules import AlarmRule
from localcloud.monitoring.definitions import Definition, InvalidAlarmError, definition_of
from localcloud.monitoring.evaluation import ALARM, FURTHER_DATAPOINTS, INSUFFICIENT_DATA, OK
from localcloud.monitoring.metrics import MINUTE_S
from localcloud.monitoring.queries import QueryError

if TYPE_CHECKING:
    from localcloud.context import CloudContext

log = logging.getLogger(__name__)

_HISTORY_AT_MOST = 1000
SCALING_POLICY = ":scalingPolicy:"


class ActionError(Exception):
    """An action that failed; the text goes into the alarm's history, as on AWS."""


@dataclass(frozen=True)
class Change:
    """An alarm's state at one look, with the one before, and the value that it was decided by."""

    alarm: Any
    former: str
    state: str
    reason: str
    at: datetime
    latest: float | None = None


# Does one action (an ARN) for a change; raises ActionError.
Act = Callable[[str, Change], None]


class Alarms:
    """The alarms of one account and region."""

    def __init__(self, context: CloudContext, act: Act) -> None:
        self._context = context
        self._act = act
        self._lock = threading.RLock()

    @property
    def backend(self) -> Any:
        """moto's alarms."""
        return cloudwatch_backends[self._context.account][self._context.region]

    def clock(self) -> float:
        """Seconds since 1970, as everything here reads the time."""
        return self._context.metrics.clock()

    def evaluate(self, now: float) -> None:
        """Look at every alarm, by what was measured before the minute of `now`."""
        with self._lock:
            alarms = list(self.backend.alarms.values())
            for alarm in alarms:
                if alarm.rule is None:
                    self._look_at(alarm, now)
            self._evaluate_composites(now)

    def set_state(self, alarm: Any, state: str, reason: str, reason_data: str | None) -> None:
        """A state given by hand, which holds until the next look."""
        with self._lock:
            now = self.clock()
            self._take(alarm, Change(alarm, alarm.state_value, state, reason, _date(now)))
            alarm.state_reason_data = reason_data or "{}"
            self._evaluate_composites(now)

    def _look_at(self, alarm: Any, now: float) -> None:
        try:
            self._evaluate_metric(alarm, now)
        except (InvalidAlarmError, QueryError):
            # The others are looked at all the same.
            log.exception("alarm %s was not evaluated", alarm.name)

    def _evaluate_metric(self, alarm: Any, now: float) -> None:
        definition: Definition = definition_of(alarm)
        condition = definition.condition
        end = int(now // MINUTE_S) * MINUTE_S
        looked_at = condition.evaluation_periods + FURTHER_DATAPOINTS
        times = [end - definition.period_s * back for back in range(looked_at, 0, -1)]
        series = definition.queries.series(self._context.metrics, times, definition.period_s)
        points = [series[definition.result].get(time) for time in times]
        state = condition.state(points, alarm.state_value)
        told = [
            (f"{_date(time):%d/%m/%y %H:%M:%S}", value)
            for time, value in zip(times, points, strict=True)
        ]
        reason = condition.reason(told, state)
        real = [value for value in points if value is not None]
        alarm.state_reason_data = json.dumps(
            {
                "version": "1.0",
                "queryDate": _stamp(_date(now)),
                "period": definition.period_s,
                "recentDatapoints": real[-condition.evaluation_periods :],
                "threshold": condition.threshold,
            }
        )
        latest = real[-1] if real else None
        self._take(alarm, Change(alarm, alarm.state_value, state, reason, _date(now), latest))

    def _evaluate_composites(self, now: float) -> None:
        composites = [alarm for alarm in self.backend.alarms.values() if alarm.rule is not None]
        # One may be about another: as many looks as there are settle them all.
        for _ in composites:
            before = [alarm.state_value for alarm in composites]
            for alarm in composites:
                self._evaluate_composite(alarm, now)
            if before == [alarm.state_value for alarm in composites]:
                return

    def _evaluate_composite(self, alarm: Any, now: float) -> None:
        def state_of(name: str) -> str:
            # Of an alarm that was deleted meanwhile there is no data.
            found = self.backend.alarms.get(name)
            return str(found.state_value) if found else INSUFFICIENT_DATA

        rule = AlarmRule.read(alarm.rule)
        state = ALARM if rule.holds(state_of) else OK
        states = ", ".join(f"{name}: {state_of(name)}" for name in sorted(rule.alarms))
        reason = f"AlarmRule is {'met' if state == ALARM else 'not met'} ({states})"
        if state != alarm.state_value:
            self._take(alarm, Change(alarm, alarm.state_value, state, reason, _date(now)))

    def _take(self, alarm: Any, change: Change) -> None:
        changed = change.state != change.former
        alarm.state_reason = change.reason
        if changed:
            alarm.state_value = change.state
            alarm.state_updated_timestamp = change.at.replace(tzinfo=None)
            alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
            summary = f"Alarm updated from {change.former} to {change.state}"
            data = {
                "version": "1.0",
                "oldState": {"stateValue": change.former},
                "newState": {"stateValue": change.state, "stateReason": change.reason},
            }
            record(alarm, "StateUpdate", summary, data, change.at)
        if not alarm.actions_enabled:
            return
        actions = {
            ALARM: alarm.alarm_actions,
            OK: alarm.ok_actions,
            INSUFFICIENT_DATA: alarm.insufficient_data_actions,
        }[change.state]
        for action in actions:
            if changed or SCALING_POLICY in action:
                self._do(action, change)

    def _do(self, action: str, change: Change) -> None:
        summary = f"Successfully executed action {action}"
        try:
            self._act(action, change)
        except ActionError as error:
            summary = f"Failed to execute action {action}. Received error: {error}"
            log.warning("alarm %s: %s", change.alarm.name, summary)
        if change.state != change.former or not summary.startswith("Successfully"):
            record(change.alarm, "Action", summary, {"actionState": summary[:12]}, change.at)


def record(alarm: Any, kind: str, summary: str, data: dict[str, Any], at: datetime) -> None:
    """Keep one item of an alarm's history, of which the oldest go when there are too many."""
    if not isinstance(alarm.history, deque):
        alarm.history = deque(alarm.history, maxlen=_HISTORY_AT_MOST)
    alarm.history.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
            "Timestamp": at.replace(tzinfo=None),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _stamp(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%S.") + f"{date.microsecond // 1000:03d}+0000"
