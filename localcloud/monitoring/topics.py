"""Publishes alarms to topics, as CloudWatch: if the topic and its key let it.

A topic's policy must allow `cloudwatch.amazonaws.com`, or the account as the default policy does. A
topic encrypted with a key of AWS's own cannot be published to, one with a customer's key if that
key's policy allows it. What fails is told in the alarm's history, here as on AWS.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.sns.models import sns_backends

from localcloud.iam import arns
from localcloud.iam.call import Account
from localcloud.iam.callers import service
from localcloud.iam.context import request_context
from localcloud.iam.documents import parsed
from localcloud.iam.evaluation import Held, ResourcePolicy, evaluate
from localcloud.iam.gate import Allows
from localcloud.iam.policy_error import PolicyError
from localcloud.identity import Caller, Refused
from localcloud.identity.caller import Kind
from localcloud.monitoring.alarms import ActionError, Change
from localcloud.monitoring.messages import message, subject

if TYPE_CHECKING:
    from localcloud.context import CloudContext

_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
_KEYS_OF_AWS = "alias/aws/"


class Topics:
    """The topics of one account and region, as alarms reach them."""

    def __init__(self, context: CloudContext, allows: Allows) -> None:
        self._context = context
        self._account = Account(context.account, context.region)
        self._allows = allows
        self._cloudwatch = service("cloudwatch.amazonaws.com", context.account)

    def publish(self, arn: str, change: Change) -> None:
        """Raises ActionError."""
        topic = sns_backends[self._context.account][self._context.region].topics.get(arn)
        if topic is None:
            raise ActionError("Topic does not exist")
        self._check_policy(topic, change)
        self._check_key(topic, change)
        topic.publish(message(self._context, change), subject(self._context, change))

    def _check_policy(self, topic: Any, change: Change) -> None:
        # CloudWatch acts for the account that has the alarm, which the default policy names.
        account = Caller(Kind.ANONYMOUS, self._context.account, "", "")
        keys = {**self._keys(change), "aws:SourceOwner": self._context.account}
        try:
            policy = ResourcePolicy(parsed(topic.policy), required=True)
        except PolicyError as error:
            raise ActionError(f"the topic's policy cannot be read: {error}") from error
        for caller in (self._cloudwatch, account):
            context = request_context(caller, self._account, None).also(keys)
            verdict = evaluate(
                caller, "sns:Publish", topic.arn, context, held=Held(), of_resource=policy
            )
            if verdict.allowed:
                return
            if verdict.explicit:
                break
        raise ActionError(
            f"Resource: {topic.arn} is not authorized to be accessed by CloudWatch Alarms: its "
            "policy does not allow cloudwatch.amazonaws.com to do sns:Publish"
        )

    def _check_key(self, topic: Any, change: Change) -> None:
        if not topic.kms_master_key_id:
            return
        if _KEYS_OF_AWS in topic.kms_master_key_id:
            raise ActionError(_NO_KEY)
        key = arns.key(self._account, topic.kms_master_key_id, {})
        for action in _KEY_ACTIONS:
            try:
                self._allows(self._cloudwatch, action, key, self._keys(change))
            except Refused as refused:
                raise ActionError(_NO_KEY) from refused

    def _keys(self, change: Change) -> dict[str, str]:
        return {
            "aws:SourceArn": change.alarm.alarm_arn,
            "aws:SourceAccount": self._context.account,
        }


_NO_KEY = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
