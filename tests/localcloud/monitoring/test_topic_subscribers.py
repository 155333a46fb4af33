"""Functions that subscribe to a topic are invoked, if their policy allows the topic.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import threading

import pytest

from tests.localcloud.monitoring.telling import Told
from tests.localcloud.scaling.deployed import Deployed


def _logged(deployed: Deployed, text: str) -> bool:
    deployed.cloud.functions.flush()
    logs = deployed.client("logs").filter_log_events(logGroupName="/aws/lambda/classify")
    return any(text in event["message"] for event in logs["events"])


def test_subscribed_function_is_invoked_once_it_may_be(
    deployed: Deployed, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told(deployed)
    where = f"us-east-1:{deployed.cloud.context.account}"
    function = f"arn:aws:lambda:{where}:function:classify:live"
    told.sns.subscribe(TopicArn=told.topic, Protocol="lambda", Endpoint=function)
    told.sns.publish(TopicArn=told.topic, Message="first")
    assert "not delivered" in caplog.text
    deployed.client("lambda").add_permission(
        FunctionName="classify",
        Qualifier="live",
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=told.topic,
    )
    assert not _logged(deployed, "START RequestId")
    told.sns.publish(TopicArn=told.topic, Message="second", Subject="about it")
    while not _logged(deployed, "REPORT"):
        threading.Event().wait(0.02)
    # The queue heard of both.
    assert [one["Message"] for one in told.notifications()] == [
        "first",
        "second",
    ]
