"""Application Auto Scaling's API, where moto keeps what is asked for and does nothing about it.

Refused by name, since it would not be carried out: other services than Lambda, step scaling,
metrics of one's own, a second policy for a target.
https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.exceptions import JsonRESTError

from localcloud.functions.metrics import NAMESPACE as METRICS
from localcloud.functions.metrics import UTILIZATION
from localcloud.scaling.schedules import InvalidScheduleError
from localcloud.scaling.service import (
    DIMENSION,
    NAMESPACE,
    Scaling,
    place,
    policies_of,
    schedule_of,
)
from localcloud.scaling.tracking import HIGH_DATAPOINTS, LOW_DATAPOINTS, LOW_SHARE, PERIOD_S
from localcloud.services.patches import Patch, method
from localcloud.services.provisioned_concurrency import CapacityError

_Backend = ApplicationAutoscalingBackend
_stock_register = _Backend.register_scalable_target
_stock_deregister = _Backend.deregister_scalable_target
_stock_put_policy = _Backend.put_scaling_policy
_stock_put_action = _Backend.put_scheduled_action

_METRIC = "LambdaProvisionedConcurrencyUtilization"


def scaling_patches(scaling: Scaling) -> list[Patch]:
    """What to apply while a cloud is up."""
    api = _ScalingApi(scaling)
    return [
        Patch(
            _Backend,
            "register_scalable_target",
            method(api.register),
            "the capacity stays outside of the limits, and what is scaled need not be there",
        ),
        Patch(
            _Backend,
            "deregister_scalable_target",
            method(api.deregister),
            "its policies and scheduled actions stay",
        ),
        Patch(
            _Backend,
            "put_scaling_policy",
            method(api.put_policy),
            "no alarms for Lambda; a changed policy gets another ARN; no target is needed",
        ),
        Patch(
            _Backend,
            "put_scheduled_action",
            method(api.put_action),
            "schedules are not read, and no target is needed",
        ),
        Patch(
            ApplicationAutoScalingResponse,
            "describe_scaling_activities",
            method(api.describe_activities),
            "DescribeScalingActivities is not there",
            adds=True,
        ),
    ]


class _ScalingApi:
    """Each method takes moto's object in whose place it answers."""

    def __init__(self, scaling: Scaling) -> None:
        self._scaling = scaling

    def register(
        self,
        backend: Any,
        namespace: str,
        r_id: str,
        dimension: str,
        min_capacity: int | None,
        max_capacity: int | None,
        role_arn: str,
        suspended_state: Any,
    ) -> Any:
        if (namespace, dimension) != (NAMESPACE, DIMENSION):
            raise AWSValidationException(
                f"scalable dimension {dimension!r} of {namespace!r} is not modelled; modelled: "
                f"{DIMENSION}"
            )
        former = backend.targets.get(dimension, {}).get(r_id)
        lowest = former.min_capacity if former and min_capacity is None else min_capacity
        highest = former.max_capacity if former and max_capacity is None else max_capacity
        if lowest is None or highest is None or not 0 <= lowest <= highest:
            raise AWSValidationException(
                f"MinCapacity {lowest}, MaxCapacity {highest}; allowed: 0 and more, in this order"
            )
        try:
            self._scaling.capacity_of(r_id)
        except CapacityError as error:
            raise AWSValidationException(
                f"Validation failed for resource: {r_id}, scalable dimension: {dimension}. "
                f"Reason: {error}"
            ) from error
        target = _stock_register(
            backend, namespace, r_id, dimension, lowest, highest, role_arn, suspended_state
        )
        cause = f"minimum capacity was set to {lowest} and maximum capacity was set to {highest}"
        self._scaling.keep_within(target, cause)
        return target

    def deregister(self, backend: Any, namespace: str, r_id: str, dimension: str) -> None:
        target = backend.targets.get(dimension, {}).get(r_id)
        _stock_deregister(backend, namespace, r_id, dimension)
        for policy in policies_of(backend, target):
            backend.delete_scaling_policy(policy.policy_name, namespace, r_id, dimension)
        backend.scheduled_actions = [
            action
            for action in backend.scheduled_actions
            if (action.resource_id, action.scalable_dimension) != (r_id, dimension)
        ]

    def put_policy(
        self,
        backend: Any,
        policy_name: str,
        service_namespace: str,
        resource_id: str,
        scalable_dimension: str,
        policy_body: dict[str, Any],
        policy_type: str | None,
    ) -> Any:
        target = _registered(backend, resource_id, scalable_dimension)
        _check_policy(policy_type, policy_body)
        others = [p.policy_name for p in policies_of(backend, target)]
        former = next(
            (p for p in policies_of(backend, target) if p.policy_name == policy_name), None
        )
        if former is None and others:
            raise AWSValidationException(
                "Only one TargetTrackingScaling policy for a given metric specification is "
                f"allowed; there is {others[0]}"
            )
        policy = _stock_put_policy(
            backend,
            policy_name,
            service_namespace,
            resource_id,
            scalable_dimension,
            policy_body,
            policy_type,
        )
        if former is not None:
            policy.policy_arn, policy.creation_time = former.policy_arn, former.creation_time
        policy.alarms = self._alarms(policy, former)
        return policy

    def _alarms(self, policy: Any, former: Any) -> list[Any]:
        """The one above the target, and the one below nine tenths of it."""
        context = self._scaling.context
        cloudwatch = cloudwatch_backends[context.account][context.region]
        target = float(policy.target_tracking_scaling_policy_configuration["TargetValue"])
        function, qualifier = place(policy.resource_id)
        made = []
        for number, (side, comparison, datapoints, threshold) in enumerate(
            (
                ("High", "GreaterThanThreshold", HIGH_DATAPOINTS, target),
                ("Low", "LessThanThreshold", LOW_DATAPOINTS, target * LOW_SHARE),
            )
        ):
            name = f"TargetTracking-{policy.resource_id}-Alarm{side}-{uuid.uuid4()}"
            action = f"{policy.policy_arn}:createdBy/{uuid.uuid4()}"
            alarm = cloudwatch.put_metric_alarm(
                name=former.alarms[number].name if former else name,
                namespace=METRICS,
                metric_name=UTILIZATION,
                comparison_operator=comparison,
                evaluation_periods=datapoints,
                period=PERIOD_S,
                threshold=threshold,
                statistic="Average",
                description="DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
                f"{policy.policy_arn}.",
                dimensions=[
                    {"Name": "FunctionName", "Value": function},
                    {"Name": "Resource", "Value": f"{function}:{qualifier}"},
                ],
                alarm_actions=[former.alarms[number].alarm_actions[0] if former else action],
            )
            made.append(alarm)
        return made

    def put_action(self, backend: Any, **asked: Any) -> None:
        target = _registered(backend, asked["resource_id"], asked["scalable_dimension"])
        before = list(backend.scheduled_actions)
        kept = {id(action): dict(vars(action)) for action in before}
        _stock_put_action(backend, **asked)
        (action,) = [
            action
            for action in backend.scheduled_actions
            if action.scheduled_action_name == asked["scheduled_action_name"]
            and action.resource_id == asked["resource_id"]
        ]
        try:
            _check_action(action, target)
        except InvalidScheduleError as error:
            backend.scheduled_actions = before
            for former in before:
                vars(former).update(kept[id(former)])
            raise AWSValidationException(str(error)) from error

    def describe_activities(self, response: Any) -> str:
        asked = json.loads(response.body)
        found = self._scaling.activities.of(
            asked["ServiceNamespace"],
            asked.get("ResourceId"),
            asked.get("ScalableDimension"),
            not_scaled=bool(asked.get("IncludeNotScaledActivities")),
        )
        first = int(asked.get("NextToken") or 0)
        end = first + int(asked.get("MaxResults") or 50)
        more = {"NextToken": str(end)} if end < len(found) else {}
        return json.dumps({"ScalingActivities": found[first:end], **more})


def _registered(backend: Any, resource_id: str, dimension: str) -> Any:
    target = backend.targets.get(dimension, {}).get(resource_id)
    if target is None:
        raise JsonRESTError(
            "ObjectNotFoundException",
            f"No scalable target registered for resource ID: {resource_id}, scalable dimension: "
            f"{dimension}",
        )
    return target


def _check_policy(policy_type: str | None, body: dict[str, Any]) -> None:
    metric = (body or {}).get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if policy_type != "TargetTrackingScaling" or metric != _METRIC:
        raise AWSValidationException(
            f"policy type {policy_type!r} on {metric!r} is not modelled; modelled: "
            f"TargetTrackingScaling on {_METRIC}"
        )
    target = float(body.get("TargetValue", 0))
    if not 0 < target <= 1:
        raise AWSValidationException(f"TargetValue {target}; allowed: more than 0, at most 1")


def _check_action(action: Any, target: Any) -> None:
    """Raises InvalidScheduleError."""
    schedule_of(action)
    wanted = action.scalable_target_action or {}
    if not wanted.keys() & {"MinCapacity", "MaxCapacity"}:
        raise InvalidScheduleError("ScalableTargetAction needs MinCapacity or MaxCapacity")
    lowest = wanted.get("MinCapacity", target.min_capacity)
    highest = wanted.get("MaxCapacity")
    if highest is not None and lowest > highest:
        raise InvalidScheduleError(f"MinCapacity {lowest} is more than MaxCapacity {highest}")
