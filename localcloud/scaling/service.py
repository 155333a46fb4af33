"""Scales what is registered: by the alarms of target tracking, by schedule, into new limits.

Only Lambda's provisioned concurrency is scaled. A capacity is changed only while it is registered;
what is left when a target is deregistered stays, as on AWS.
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from localcloud.monitoring.alarms import ActionError, Change
from localcloud.scaling import activities
from localcloud.scaling.activities import Activities
from localcloud.scaling.schedules import Schedule, read_schedule
from localcloud.scaling.tracking import Cooldown, Policy, scaled_in, scaled_out
from localcloud.services.provisioned_concurrency import CapacityError, ProvisionedConcurrency

if TYPE_CHECKING:
    from localcloud.context import CloudContext

NAMESPACE = "lambda"
DIMENSION = "lambda:function:ProvisionedConcurrency"
_MINUTE = timedelta(minutes=1)


class Scaling:
    """The scalable targets of one account and region."""

    def __init__(self, context: CloudContext, provisioned: ProvisionedConcurrency) -> None:
        self.context = context
        self.activities = Activities()
        self._provisioned = provisioned
        self._lock = threading.RLock()
        self._cooldowns: defaultdict[str, Cooldown] = defaultdict(Cooldown)
        self._looked_at: datetime | None = None

    @property
    def backend(self) -> Any:
        """moto's targets, policies and scheduled actions."""
        return applicationautoscaling_backends[self.context.account][self.context.region]

    def capacity(self, target: Any) -> int:
        """Raises CapacityError where there is no such version or alias."""
        return self.capacity_of(target.resource_id)

    def capacity_of(self, resource_id: str) -> int:
        """As `capacity`, of what need not be registered."""
        return self._provisioned.capacity(*place(resource_id))

    def keep_within(self, target: Any, cause: str) -> None:
        """Bring the capacity into the target's limits, if it is outside."""
        with self._lock:
            capacity = self.capacity(target)
            wanted = max(target.min_capacity, min(target.max_capacity, capacity))
            if wanted != capacity:
                self._set(target, wanted, cause, self.context.metrics.clock())

    def act(self, policy_arn: str, change: Change) -> None:
        """An alarm of a policy is in ALARM. Raises ActionError where there is no such policy."""
        with self._lock:
            for policy in self.backend.policies.values():
                if policy_arn.startswith(f"{policy.policy_arn}:"):
                    return self._track(policy, change)
        raise ActionError(f"there is no scaling policy {policy_arn}")

    def _track(self, policy: Any, change: Change) -> None:
        target = self._target(policy)
        if target is None or change.latest is None:
            return
        now = self.context.metrics.clock()
        configuration = tracking(policy)
        last = self._cooldowns[policy.policy_arn]
        cause = (
            f"monitor alarm {change.alarm.name} in state ALARM triggered policy "
            f"{policy.policy_name}"
        )
        try:
            capacity = self.capacity(target)
        except CapacityError as error:
            raise ActionError(str(error)) from error
        high = change.alarm.name == policy.alarms[0].name
        suspended = target.suspended_state or {}
        if suspended.get(f"DynamicScaling{'Out' if high else 'In'}Suspended"):
            return
        decide = scaled_out if high else scaled_in
        wanted = decide(configuration, capacity, change.latest, last, now)
        within = max(target.min_capacity, min(target.max_capacity, wanted))
        if within == capacity or (within > capacity) != high:
            code = activities.DESIRED
            if wanted != capacity:
                code = activities.MAXIMUM if high else activities.MINIMUM
            self.activities.not_scaled(target, at=now, cause=cause, code=code, capacity=capacity)
            return
        if self._set(target, within, cause, now):
            if high:
                # A larger capacity ends the wait before the next scale-in, as on AWS.
                last.out_at, last.out_to, last.in_at = now, within, Cooldown().in_at
            else:
                last.in_at = now

    def run_schedules(self, now: float) -> None:
        """Do what was due in the minutes since the last look, in their order."""
        until = datetime.fromtimestamp(now, UTC).replace(second=0, microsecond=0)
        with self._lock:
            minute = (self._looked_at or until - _MINUTE) + _MINUTE
            self._looked_at = max(until, self._looked_at or until)
            while minute <= until:
                for action in list(self.backend.scheduled_actions):
                    if is_due(action, minute):
                        self._run(action)
                minute += _MINUTE

    def _run(self, action: Any) -> None:
        target = self._target(action)
        suspended = (target.suspended_state or {}) if target else {}
        if target is None or suspended.get("ScheduledScalingSuspended"):
            return
        wanted = action.scalable_target_action
        target.min_capacity = int(wanted.get("MinCapacity", target.min_capacity))
        target.max_capacity = int(wanted.get("MaxCapacity", target.max_capacity))
        limits = " and ".join(
            f"{name} capacity was set to {wanted[key]}"
            for name, key in (("minimum", "MinCapacity"), ("maximum", "MaxCapacity"))
            if key in wanted
        )
        cause = f"{limits} by scheduled action {action.scheduled_action_name}"
        try:
            self.keep_within(target, cause)
        except CapacityError as error:
            at = self.context.metrics.clock()
            capacity = target.min_capacity
            self.activities.scaled(target, at=at, cause=cause, capacity=capacity, error=str(error))

    def _set(self, target: Any, capacity: int, cause: str, now: float) -> bool:
        error = ""
        try:
            self._provisioned.set_capacity(*place(target.resource_id), capacity)
        except CapacityError as failed:
            error = str(failed)
        self.activities.scaled(target, at=now, cause=cause, capacity=capacity, error=error)
        return not error

    def _target(self, about: Any) -> Any:
        return self.backend.targets.get(about.scalable_dimension, {}).get(about.resource_id)


def place(resource_id: str) -> tuple[str, str]:
    """Function and qualifier of `function:name:qualifier`. Raises CapacityError."""
    parts = resource_id.split(":")
    if len(parts) != 3 or parts[0] != "function" or not all(parts):
        raise CapacityError(f"ResourceId {resource_id!r}; allowed: function:<name>:<alias>")
    return parts[1], parts[2]


def tracking(policy: Any) -> Policy:
    """What a policy's configuration asks for."""
    asked = policy.target_tracking_scaling_policy_configuration
    return Policy(
        target=float(asked["TargetValue"]),
        scale_in_disabled=bool(asked.get("DisableScaleIn", False)),
        out_cooldown_s=float(asked.get("ScaleOutCooldown", 0)),
        in_cooldown_s=float(asked.get("ScaleInCooldown", 0)),
    )


def schedule_of(action: Any) -> Schedule:
    """Raises InvalidScheduleError."""
    made = _date(action.start_time) or datetime.fromtimestamp(action.creation_time, UTC)
    return read_schedule(action.schedule, action.timezone, made)


def is_due(action: Any, minute: datetime) -> bool:
    """Whether a scheduled action is to be done in the minute that begins then.

    A recurring one with a start is done then, too, and none after its end.
    """
    start, end = _date(action.start_time), _date(action.end_time)
    recurring = not action.schedule.startswith("at(")
    if start is not None and minute < start.replace(second=0, microsecond=0):
        return False
    if end is not None and minute > end:
        return False
    at_start = recurring and start is not None and minute == start.replace(second=0, microsecond=0)
    return at_start or schedule_of(action).due(minute)


def _date(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    date = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def policies_of(backend: Any, target: Any) -> Iterator[Any]:
    """The scaling policies of a target."""
    for policy in list(backend.policies.values()):
        if (policy.resource_id, policy.scalable_dimension) == (
            target.resource_id,
            target.scalable_dimension,
        ):
            yield policy
