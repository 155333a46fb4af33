"""Application Auto Scaling: scalable targets with their scheduled actions, and policies.

The targets' own ids and service-linked roles are not made; scaling itself is the services' affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TAGS,
    TEXT,
    Schema,
)
from localcloud.cloudformation.resources.tagging import tag_map

_WHERE = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_ACTIONS: Schema = [
    {
        "EndTime": TEXT,
        "ScalableTargetAction": {"MaxCapacity": INTEGER, "MinCapacity": INTEGER},
        "Schedule*": TEXT,
        "ScheduledActionName*": TEXT,
        "StartTime": TEXT,
        "Timezone": TEXT,
    }
]
_NOT_FOUND = ("ObjectNotFoundException", "ValidationException")


class ScalableTarget(ResourceHandler):
    """AWS::ApplicationAutoScaling::ScalableTarget; Ref is `resource|dimension|namespace`."""

    type_name = "AWS::ApplicationAutoScaling::ScalableTarget"
    schema: ClassVar[Mapping[str, Schema]] = {
        "MaxCapacity*": INTEGER,
        "MinCapacity*": INTEGER,
        "ResourceId*": TEXT,
        "RoleARN": TEXT,
        "ScalableDimension*": TEXT,
        "ScheduledActions": _ACTIONS,
        "ServiceNamespace*": TEXT,
        "SuspendedState": {
            "DynamicScalingInSuspended": BOOLEAN,
            "DynamicScalingOutSuspended": BOOLEAN,
            "ScheduledScalingSuspended": BOOLEAN,
        },
        "Tags": TAGS,
    }
    replace_on = frozenset(_WHERE)

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("application-autoscaling")
        properties = task.properties
        existing = client.describe_scalable_targets(
            ServiceNamespace=properties["ServiceNamespace"],
            ResourceIds=[properties["ResourceId"]],
            ScalableDimension=properties["ScalableDimension"],
        )["ScalableTargets"]
        physical_id = "|".join(properties[name] for name in _WHERE)
        if existing:
            raise ResourceFailure(f"{physical_id} already exists")
        self._register(properties)
        task.started(physical_id)
        self._put_actions(properties)
        return Provisioned(physical_id)

    def _register(self, properties: Mapping[str, Any]) -> None:
        self.context.client("application-autoscaling").register_scalable_target(
            **chosen(
                properties, *_WHERE, "MaxCapacity", "MinCapacity", "RoleARN", "SuspendedState"
            ),
            Tags=tag_map(properties.get("Tags")),
        )

    def _put_actions(self, properties: Mapping[str, Any]) -> None:
        for action in properties.get("ScheduledActions", ()):
            self.context.client("application-autoscaling").put_scheduled_action(
                **chosen(properties, *_WHERE), **action
            )

    def update(self, task: Update) -> Provisioned:
        self._register(task.new)
        if task.touches("ScheduledActions"):
            for name in _action_names(task.formers("ScheduledActions")) - _action_names(
                [task.new.get("ScheduledActions", ())]
            ):
                with gone_is_fine(*_NOT_FOUND):
                    self.context.client("application-autoscaling").delete_scheduled_action(
                        **chosen(task.new, *_WHERE), ScheduledActionName=name
                    )
            self._put_actions(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine(*_NOT_FOUND):
            self.context.client("application-autoscaling").deregister_scalable_target(
                **chosen(task.properties, *_WHERE)
            )


def _action_names(lists: Iterable[Iterable[Mapping[str, str]]]) -> set[str]:
    return {action["ScheduledActionName"] for actions in lists for action in actions}


_TRACKING: Schema = {
    "DisableScaleIn": BOOLEAN,
    "PredefinedMetricSpecification": {"PredefinedMetricType": TEXT, "ResourceLabel": TEXT},
    "ScaleInCooldown": INTEGER,
    "ScaleOutCooldown": INTEGER,
    "TargetValue*": NUMBER,
}


class ScalingPolicy(ResourceHandler):
    """AWS::ApplicationAutoScaling::ScalingPolicy with target tracking on a predefined metric."""

    type_name = "AWS::ApplicationAutoScaling::ScalingPolicy"
    schema: ClassVar[Mapping[str, Schema]] = {
        "PolicyName*": TEXT,
        "PolicyType*": TEXT,
        "ResourceId": TEXT,
        "ScalableDimension": TEXT,
        "ScalingTargetId": TEXT,
        "ServiceNamespace": TEXT,
        "TargetTrackingScalingPolicyConfiguration*": _TRACKING,
    }
    replace_on = frozenset({"PolicyName", "ScalingTargetId", *_WHERE})

    def create(self, task: Creation) -> Provisioned:
        return Provisioned(self._put(task.properties))

    def _put(self, properties: Mapping[str, Any]) -> str:
        answer = self.context.client("application-autoscaling").put_scaling_policy(
            **_policy_place(properties),
            **chosen(properties, "PolicyType", "TargetTrackingScalingPolicyConfiguration"),
        )
        return str(answer["PolicyARN"])

    def update(self, task: Update) -> Provisioned:
        self._put(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine(*_NOT_FOUND):
            self.context.client("application-autoscaling").delete_scaling_policy(
                **_policy_place(task.properties)
            )


def _policy_place(properties: Mapping[str, Any]) -> dict[str, str]:
    """Policy name and target, the target from its id or from its three parts."""
    if "ScalingTargetId" in properties:
        parts = properties["ScalingTargetId"].split("|")
        if len(parts) != len(_WHERE):
            raise ResourceFailure(
                "property ScalingTargetId must be resource|dimension|namespace, "
                f"not {properties['ScalingTargetId']!r}"
            )
        place = dict(zip(_WHERE, parts, strict=True))
    else:
        place = chosen(properties, *_WHERE)
    return {"PolicyName": properties["PolicyName"], **place}


HANDLERS = (ScalableTarget, ScalingPolicy)
