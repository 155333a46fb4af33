"""prod's alarms, dashboard and budget on the embedded cloud, with jobs that end well and badly.

The cloud's clock is the test's, so that no minute is waited for; everything else is as it runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from tests.stacks.alarming import Named, named
from tests.stacks.synthesized import Synthesized

ROOT = Path(__file__).parents[2]
MINUTE_S = 60
MONITORING = "shpc-prod-monitoring"
# No job of this test takes a day. The name and dimensions stand beside those of failed executions:
# https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
NEVER_HAPPENED = {Named("AWS/States", "ExecutionsTimedOut", frozenset({"StateMachineArn"}))}


class Clock:
    """Real time, moved on by as much as the test says."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Deployed:
    """prod, deployed by the CDK CLI, after a good job, a failed one and an aborted one."""

    cloud: Cloud
    assembly: Path
    announced: list[dict[str, Any]]
    states_after_good: dict[str, str]
    states: dict[str, str]

    def client(self, service: str) -> Any:
        return self.cloud.context.client(service)


def outputs(cloud: Cloud, stack: str) -> dict[str, str]:
    described = cloud.context.client("cloudformation").describe_stacks(StackName=stack)
    return {each["OutputKey"]: each["OutputValue"] for each in described["Stacks"][0]["Outputs"]}


def states(cloud: Cloud) -> dict[str, str]:
    """Logical ID without its hash -> state, of the alarms of the stack."""
    found = cloud.context.client("cloudwatch").describe_alarms(AlarmNamePrefix=MONITORING)
    return {
        alarm["AlarmName"].split("-")[3][:-8]: alarm["StateValue"]
        for alarm in found["MetricAlarms"]
    }


def hpc(cloud: Cloud, *arguments: str) -> None:
    environ = {**os.environ, **cloud.environ}
    subprocess.run([sys.executable, "-m", "hpc", *arguments], check=True, cwd=ROOT, env=environ)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    assembly = tmp_path_factory.mktemp("prod") / "cdk.out"
    clock = Clock()
    with Cloud(clock=clock) as cloud:
        cdk = CdkCli(environ=cloud.environ, context={"stage": "prod"})
        cdk.synth(assembly)
        cdk.bootstrap(assembly)
        cdk.deploy(assembly)

        def minutes(count: int) -> None:
            for _ in range(count):
                clock.ahead_s += MINUTE_S
                cloud.tick()

        queue = subscribed(cloud, outputs(cloud, MONITORING)["AlarmTopicArn"])
        picture = tmp_path_factory.mktemp("picture") / "boot.png"
        draw(picture)
        hpc(cloud, "run", "--stage", "prod", "--out", str(tmp_path_factory.mktemp("good")))
        hpc(cloud, "classify", "--stage", "prod", str(picture))
        minutes(6)
        after_good = states(cloud)

        end_badly(cloud)
        minutes(6)
        after_bad = states(cloud)
        # An alarm looks further back where data are missing: two more periods here.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        minutes(15)
        yield Deployed(cloud, assembly, received(cloud, queue), after_good, after_bad)


def draw(path: Path) -> None:
    from PIL import Image

    Image.new("L", (28, 28), 128).save(path)


def subscribed(cloud: Cloud, topic: str) -> str:
    """A queue to which the topic may send."""
    sqs = cloud.context.client("sqs")
    url = sqs.create_queue(QueueName="pager")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    cloud.context.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return url


def received(cloud: Cloud, url: str) -> list[dict[str, Any]]:
    sqs = cloud.context.client("sqs")
    messages: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        messages += [json.loads(json.loads(each["Body"])["Message"]) for each in batch]
        for each in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return messages


def end_badly(cloud: Cloud) -> None:
    """One job whose input is not there, and one that is stopped."""
    states = cloud.context.client("stepfunctions")
    machine = outputs(cloud, "shpc-prod-workflow")["StateMachineArn"]
    request = {"workload": "classify", "shard_size": 100, "input": {"images": "inputs/no.idx"}}

    def start(job_id: str) -> str:
        text = json.dumps({"job_id": job_id, **request})
        return states.start_execution(stateMachineArn=machine, name=job_id, input=text)[
            "executionArn"
        ]

    failing, stopped = start("fails"), start("stopped")
    states.stop_execution(executionArn=stopped)
    until(lambda: states.describe_execution(executionArn=failing)["status"] == "FAILED")


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise TimeoutError


def test_a_good_job_sets_nothing_off(deployed: Deployed) -> None:
    assert deployed.states_after_good
    assert {name for name, state in deployed.states_after_good.items() if state == "ALARM"} == set()


def test_a_failed_job_sets_off_its_alarm_and_no_other(deployed: Deployed) -> None:
    off = {name for name, state in deployed.states.items() if state == "ALARM"}
    assert off == {"JobFailed", "JobAborted"}


def test_alarm_and_its_end_reach_a_subscriber_of_the_topic(deployed: Deployed) -> None:
    told = [
        (message["AlarmName"].split("-")[3][:-8], message["NewStateValue"])
        for message in deployed.announced
    ]
    # A new alarm tells once that there is no reason for it.
    states = [state for name, state in told if name == "JobFailed"]
    assert states == ["OK", "ALARM", "OK"]
    (alarm,) = [
        message
        for message in deployed.announced
        if "JobFailed" in message["AlarmName"] and message["NewStateValue"] == "ALARM"
    ]
    assert "docs/observability.md#failed-jobs" in alarm["AlarmDescription"]


def test_every_metric_that_is_looked_at_is_published(deployed: Deployed) -> None:
    """An alarm or a widget on a metric that nobody publishes is silent for ever."""
    pages = deployed.client("cloudwatch").get_paginator("list_metrics").paginate()
    published = {
        Named(
            metric["Namespace"],
            metric["MetricName"],
            frozenset(dimension["Name"] for dimension in metric["Dimensions"]),
        )
        for page in pages
        for metric in page["Metrics"]
    }
    looked_at = named(Synthesized("prod", deployed.assembly))
    assert len(looked_at) > 20
    assert looked_at - published == NEVER_HAPPENED


def test_every_alarm_names_dimensions_that_have_data(deployed: Deployed) -> None:
    """By their values, too: each was published for this very function, machine or API."""
    cloudwatch = deployed.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=MONITORING)["MetricAlarms"]
    silent = set()
    for alarm in alarms:
        queries = [
            each["MetricStat"]["Metric"]
            for each in alarm.get("Metrics", [])
            if "MetricStat" in each
        ] or [alarm]
        for metric in queries:
            found = cloudwatch.list_metrics(
                Namespace=metric["Namespace"],
                MetricName=metric["MetricName"],
                Dimensions=metric["Dimensions"],
            )["Metrics"]
            exact = [each for each in found if len(each["Dimensions"]) == len(metric["Dimensions"])]
            if not exact:
                silent.add(metric["MetricName"])
    assert silent == {"ExecutionsTimedOut"}


def test_budget_tells_the_topic(deployed: Deployed) -> None:
    budgets = deployed.client("budgets")
    account = deployed.cloud.context.account
    (budget,) = budgets.describe_budgets(AccountId=account)["Budgets"]
    assert budget["BudgetLimit"]["Amount"] == "200"


def test_line_of_a_shard_leads_to_its_job(deployed: Deployed) -> None:
    logs: Any = deployed.client("logs")
    (group,) = [
        each["logGroupName"]
        for each in logs.describe_log_groups()["logGroups"]
        if "ClassifyLogs" in each["logGroupName"] and "functions" in each["logGroupName"]
    ]
    events = logs.filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(e["message"]) for e in events if e["message"].startswith('{"level"')]
    assert {line["shard"] for line in lines} == set(range(30))
    assert len({line["job_id"] for line in lines}) == 1
