"""Each alarm of prod goes off at the first value that is too much, is over, and stays quiet below.

The alarms are those of the accepted template, made by CloudFormation; one that is added is tried
here from then on. That their metrics are published is held by test_monitoring.py: here they are
told as services tell them, on a clock that the test moves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.monitoring.metrics import Metric

STACK = "shpc-prod-monitoring"
TEMPLATE = json.loads(
    (Path(__file__).parents[1] / "snapshots" / "prod" / "Monitoring.template.json").read_text()
)
KINDS = ("AWS::CloudWatch::Alarm", "AWS::KMS::Key", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy")
ALARMS = [
    name
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
]
MINUTE_S = 60
# How much further back than its periods an alarm looks where data are missing, and one more.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
LONG_AGO = 3

# Values in one period, by the metric's name. Where an alarm is on one metric, its threshold says
# what is too much; where it is on an expression, this table does: three failures that are 1 %.
TOO_MUCH = {"Errors": 3, "5xx": 3, "Invocations": 300, "Count": 300}
FEW_OF_FEW = {"Errors": 2, "5xx": 2, "Invocations": 2, "Count": 2}
LESS_THAN_ONE_PERCENT = {"Errors": 3, "5xx": 3, "Invocations": 301, "Count": 301}

Values = Callable[[str, float], float]


@dataclass
class Watched:
    """The stack with the alarms, and a queue that its topic tells."""

    cloud: Cloud
    now: list[float]
    names: Mapping[str, str]
    queue: str

    def client(self, service: str) -> Any:
        return self.cloud.context.client(service)

    def alarm(self, logical_id: str) -> dict[str, Any]:
        client = self.client("cloudwatch")
        (found,) = client.describe_alarms(AlarmNames=[self.names[logical_id]])["MetricAlarms"]
        return dict(found)

    def off(self) -> set[str]:
        """Every alarm that is in ALARM."""
        found = self.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
        return {alarm["AlarmName"] for alarm in found}

    def period(self, alarm: Mapping[str, Any], values: Values | None) -> None:
        """One period of the alarm passes, in whose first minute its metrics get `values`."""
        for metric, statistic in metrics_of(alarm) if values else ():
            value = values(metric["MetricName"], alarm["Threshold"]) if values else 0
            one = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
            told = Metric.of(metric["Namespace"], metric["MetricName"], one)
            if statistic == "Sum":
                self.cloud.context.metrics.add(told, 1, count=value)
            else:
                self.cloud.context.metrics.add(told, value)
        self.now[0] += period_s(alarm)
        self.cloud.tick()

    def told(self) -> list[tuple[str, str]]:
        """What the queue got since the last look."""
        sqs = self.client("sqs")
        found: list[tuple[str, str]] = []
        while batch := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for each in batch:
                message = json.loads(json.loads(each["Body"])["Message"])
                found.append((message["AlarmName"], message["NewStateValue"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return found


def metrics_of(alarm: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The metrics that an alarm looks at, each with its statistic."""
    if "MetricName" in alarm:
        metric = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
        return [(metric, alarm.get("Statistic") or alarm["ExtendedStatistic"])]
    stats = [query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query]
    return [(stat["Metric"], stat["Stat"]) for stat in stats]


def period_s(alarm: Mapping[str, Any]) -> int:
    if "Period" in alarm:
        return int(alarm["Period"])
    (period,) = {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    return int(period)


def without_imports(node: Any) -> Any:
    """Each import as text in the form of an ARN, of which some take a part."""
    match node:
        case {"Fn::ImportValue": str(name)}:
            return f"arn:aws:any:us-east-1:123456789012:function:{name.rpartition(':')[2]}"
        case dict():
            return {key: without_imports(value) for key, value in node.items()}
        case list():
            return [without_imports(value) for value in node]
    return node


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    resources = {
        name: without_imports(resource)
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] in KINDS
    }
    now = [1_800_000_000.0 // MINUTE_S * MINUTE_S]
    with Cloud(clock=lambda: now[0]) as cloud:
        cloudformation = cloud.context.client("cloudformation")
        template = json.dumps({"Resources": resources})
        cloudformation.create_stack(StackName=STACK, TemplateBody=template)
        cloud.cloudformation.join()
        described = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described}
        assert names.keys() == resources.keys()
        (topic,) = (name for name, each in resources.items() if each["Type"] == "AWS::SNS::Topic")
        sqs, sns = cloud.context.client("sqs"), cloud.context.client("sns")
        queue = sqs.create_queue(QueueName="pager")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(TopicArn=names[topic], Protocol="sqs", Endpoint=arn["QueueArn"])
        cloud.tick()
        yield Watched(cloud, now, names, queue)


def first_too_much(alarm: Mapping[str, Any]) -> Values:
    if "MetricName" in alarm:
        return lambda _, threshold: threshold
    return lambda name, _: TOO_MUCH[name]


def most_that_is_fine(alarm: Mapping[str, Any]) -> list[Values]:
    if "MetricName" in alarm:
        return [lambda _, threshold: threshold - 1]
    return [lambda name, _: FEW_OF_FEW[name], lambda name, _: LESS_THAN_ONE_PERCENT[name]]


def test_there_are_alarms() -> None:
    assert len(ALARMS) > 10


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_goes_off_and_is_over(watched: Watched, name: str) -> None:
    alarm = watched.alarm(name)
    watched.told()
    assert watched.off() == set()
    for _ in range(alarm["EvaluationPeriods"]):
        assert watched.off() == set()
        watched.period(alarm, first_too_much(alarm))
    assert watched.off() == {alarm["AlarmName"]}
    for _ in range(alarm["EvaluationPeriods"] + LONG_AGO):
        watched.period(alarm, None)
    assert watched.off() == set()
    assert watched.told() == [(alarm["AlarmName"], "ALARM"), (alarm["AlarmName"], "OK")]


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_stays_quiet_below(watched: Watched, name: str) -> None:
    alarm = watched.alarm(name)
    watched.told()
    for values in most_that_is_fine(alarm):
        for _ in range(alarm["EvaluationPeriods"] + LONG_AGO):
            watched.period(alarm, values)
            assert watched.off() == set()
    assert watched.told() == []
    assert watched.alarm(name)["StateValue"] == "OK"
