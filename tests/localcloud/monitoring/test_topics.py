"""Which topics an alarm can tell: by the topic's policy, and by that of its key.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.monitoring.telling import Told, history, put_alarm
from tests.localcloud.scaling.deployed import Deployed

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
NO_TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
# The policy that a topic has by itself.
THE_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "SNS:Publish",
    "Resource": "*",
    "Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}},
}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(*actions: str, source: str = "*") -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": CLOUDWATCH,
        "Action": actions,
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{source}"
            },
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
    }


def _goes_off(deployed: Deployed, told: Told) -> list[str]:
    """States that the queue hears of after an error, and what the history says if none."""
    name = put_alarm(deployed, told, OKActions=[])
    deployed.invoke(fail=1)
    deployed.minutes(1)
    assert deployed.alarm(name)["StateValue"] == "ALARM"
    heard = [state for _, state in told.states()]
    return heard or history(deployed, name, "Action")[:1]


@pytest.mark.parametrize(
    ("statements", "heard"),
    [
        ([NO_TLS, _allow("sns:Publish")], True),
        ([NO_TLS, _allow("sns:Publish", source="err*")], True),
        ([NO_TLS], False),
        ([_allow("sns:Publish", source="other-*")], False),
        ([_allow("sns:Publish"), {**NO_TLS, "Principal": CLOUDWATCH, "Condition": {}}], False),
        ([THE_ACCOUNT], True),
        ([THE_ACCOUNT, {**NO_TLS, "Principal": CLOUDWATCH, "Condition": {}}], False),
    ],
)
def test_policy_of_the_topic(
    deployed: Deployed, statements: list[dict[str, Any]], heard: bool
) -> None:
    told = Told(deployed)
    told.sns.set_topic_attributes(
        TopicArn=told.topic, AttributeName="Policy", AttributeValue=_policy(*statements)
    )
    found = _goes_off(deployed, told)
    assert found == ["ALARM"] if heard else "not authorized" in found[0]


@pytest.mark.parametrize(
    ("actions", "heard"),
    [(["kms:Decrypt", "kms:GenerateDataKey*"], True), (["kms:Decrypt"], False), ([], False)],
)
def test_policy_of_the_topics_key(deployed: Deployed, actions: list[str], heard: bool) -> None:
    root = {"AWS": "arn:aws:iam::123456789012:root"}
    statements = [{"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}]
    if actions:
        statements.append(_allow(*actions))
    kms = deployed.client("kms")
    key = kms.create_key(Policy=_policy(*statements))["KeyMetadata"]["Arn"]
    found = _goes_off(deployed, Told(deployed, KmsMasterKeyId=key))
    assert found == ["ALARM"] if heard else "SNS topic encryption key" in found[0]


def test_topic_with_a_key_of_aws_hears_nothing(deployed: Deployed) -> None:
    (failed,) = _goes_off(deployed, Told(deployed, KmsMasterKeyId="alias/aws/sns"))
    assert "SNS topic encryption key" in failed


def test_topic_that_is_gone_is_told_in_the_history(deployed: Deployed) -> None:
    told = Told(deployed)
    told.sns.delete_topic(TopicArn=told.topic)
    (failed,) = _goes_off(deployed, told)
    assert failed.startswith("Failed to execute action")
