"""Alarms that tell a topic, and the queue that subscribes to it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.localcloud.scaling.deployed import Deployed

ERRORS: dict[str, Any] = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": [
        {"Name": "FunctionName", "Value": "classify"},
        {"Name": "Resource", "Value": "classify:live"},
    ],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}


class Told:
    """A topic with a queue as its subscriber."""

    def __init__(self, deployed: Deployed, **attributes: str) -> None:
        name = f"alarms-{uuid.uuid4().hex[:8]}"
        self._sqs = deployed.client("sqs")
        self.sns = deployed.client("sns")
        self.topic = self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
        )

    def notifications(self) -> list[dict[str, Any]]:
        """What has arrived since the last look: as SNS wraps it."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        for message in found.get("Messages", ()):
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found.get("Messages", ())]

    def messages(self) -> list[dict[str, Any]]:
        """What the alarms wrote."""
        return [json.loads(one["Message"]) for one in self.notifications()]

    def states(self) -> list[tuple[str, str]]:
        return [(one["AlarmName"], one["NewStateValue"]) for one in self.messages()]


def put_alarm(deployed: Deployed, told: Told, name: str = "errors", **more: Any) -> str:
    """An alarm on the function's errors unless something else is asked for; its name."""
    asked = {**ERRORS, "AlarmActions": [told.topic], "OKActions": [told.topic], **more}
    asked = {key: value for key, value in asked.items() if value is not None}
    deployed.client("cloudwatch").put_metric_alarm(AlarmName=name, **asked)
    return name


def history(deployed: Deployed, name: str, kind: str) -> list[str]:
    """Newest first."""
    found = deployed.client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType=kind
    )
    return [item["HistorySummary"] for item in found["AlarmHistoryItems"]]
