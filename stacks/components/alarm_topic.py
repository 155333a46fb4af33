"""Where alarms and budgets are announced.

It decides that messages are encrypted with a key of their own, that only this account's CloudWatch
alarms (those of one stack) and budgets may publish, and only over TLS. It refuses to be a general
topic: nobody else is granted anything. Key and topic hold nothing that must outlive the stack, so
both go with it.
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

# The shortest that KMS allows. A key that waits for its deletion is not paid for.
# https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
_KEY_DELETION = Duration.days(7)


class AlarmTopic(Construct):
    """An encrypted topic; `announce` lets an alarm publish to it."""

    def __init__(self, scope: Construct, construct_id: str, *, email: str | None) -> None:
        """Subscribe `email`, if there is one; its owner has to confirm that once."""
        super().__init__(scope, construct_id)
        self._key = kms.Key(
            self,
            "Key",
            description="Encrypts what alarms and budgets announce",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=_KEY_DELETION,
        )
        self.topic = sns.Topic(self, "Topic", master_key=self._key, enforce_ssl=True)
        stack = Stack.of(self)
        # CloudFormation names an alarm after its stack, its logical ID and some letters.
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
        budgets = f"arn:{stack.partition}:budgets::{stack.account}:*"
        self._let_publish("cloudwatch.amazonaws.com", source=alarms)
        self._let_publish("budgets.amazonaws.com", source=budgets)
        if email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def announce(self, alarm: cloudwatch.Alarm) -> None:
        """Tell of `alarm` when it goes off, and when it is over."""
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)

    def _let_publish(self, service: str, *, source: str) -> None:
        # Publishing to an encrypted topic takes the key, too; without the conditions, anybody's
        # alarms could be announced here.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
        principal = iam.ServicePrincipal(service)
        conditions = {
            "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
            "ArnLike": {"aws:SourceArn": source},
        }
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[principal],
                resources=[self.topic.topic_arn],
                conditions=conditions,
            )
        )
        self._key.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                principals=[principal],
                resources=["*"],
                conditions=conditions,
            )
        )
