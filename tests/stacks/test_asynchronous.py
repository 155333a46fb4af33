"""Nobody misses a failed asynchronous invocation: such a function needs an on-failure destination.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs

from stacks.checks.asynchronous import add_asynchronous_check, findings
from tests.stacks.synthesized import Synthesized

LIVE = {"Ref": "Live"}
FUNCTION_ARN = {"Fn::GetAtt": ["Function", "Arn"]}
QUEUE = {"Fn::GetAtt": ["Queue", "Arn"]}
FUNCTION = {
    "Function": {"Type": "AWS::Lambda::Function", "Properties": {}},
    "Version": {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}},
    },
    "Live": {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": {"Ref": "Function"}, "Name": "live"},
    },
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
}


def config(qualifier: Any = "live", **destination: Any) -> dict[str, Any]:
    properties = {"FunctionName": {"Ref": "Function"}, "DestinationConfig": destination}
    if qualifier is not None:
        properties["Qualifier"] = qualifier
    return {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": properties}


ON_FAILURE = {"OnFailure": {"Destination": QUEUE}}
SPLIT = {"Fn::Select": [7, {"Fn::Split": [":", LIVE]}]}


def sender(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Sender": {"Type": kind, "Properties": properties}}


def rule(arn: Any) -> dict[str, Any]:
    return sender("AWS::Events::Rule", Targets=[{"Arn": QUEUE, "Id": "0"}, {"Arn": arn, "Id": "1"}])


# What invokes `arn` and does not wait, and where in the resource it says so.
SENDERS: dict[str, tuple[Any, str]] = {
    "rule": (rule, "Targets[1].Arn"),
    "schedule": (
        lambda arn: sender("AWS::Scheduler::Schedule", Target={"Arn": arn}),
        "Target.Arn",
    ),
    "subscription": (
        lambda arn: sender("AWS::SNS::Subscription", Protocol="lambda", Endpoint=arn),
        "Endpoint",
    ),
    "subscription of a topic": (
        lambda arn: sender("AWS::SNS::Topic", Subscription=[{"Endpoint": arn}]),
        "Subscription[0].Endpoint",
    ),
    "bucket": (
        lambda arn: sender(
            "AWS::S3::Bucket",
            NotificationConfiguration={"LambdaConfigurations": [{"Function": arn}]},
        ),
        "NotificationConfiguration.LambdaConfigurations[0].Function",
    ),
    "CDK's notifications of a bucket": (
        lambda arn: sender(
            "Custom::S3BucketNotifications",
            NotificationConfiguration={
                "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn}]
            },
        ),
        "NotificationConfiguration.LambdaFunctionConfigurations[0].LambdaFunctionArn",
    ),
    "logs": (
        lambda arn: sender("AWS::Logs::SubscriptionFilter", DestinationArn=arn),
        "DestinationArn",
    ),
    "alarm": (lambda arn: sender("AWS::CloudWatch::Alarm", OKActions=[arn]), "OKActions[0]"),
    "composite alarm": (
        lambda arn: sender("AWS::CloudWatch::CompositeAlarm", AlarmActions=[arn]),
        "AlarmActions[0]",
    ),
}


def found(*templates: dict[str, Any]) -> list[tuple[str, str, str]]:
    named = dict(zip("AB", templates, strict=False))
    return [(one.template, one.resource, one.location) for one in findings(named)]


def template(*resources: dict[str, Any], **configs: Any) -> dict[str, Any]:
    merged: dict[str, Any] = dict(FUNCTION)
    for each in (*resources, configs):
        merged |= each
    return {"Resources": merged}


@pytest.mark.parametrize("name", SENDERS)
def test_sender_without_a_destination_is_found_where_it_sends(name: str) -> None:
    sends, location = SENDERS[name]
    assert found(template(sends(LIVE))) == [("A", "Sender", location)]


@pytest.mark.parametrize("name", SENDERS)
def test_sender_with_a_destination_is_right(name: str) -> None:
    sends, _ = SENDERS[name]
    assert found(template(sends(LIVE), Config=config("live", **ON_FAILURE))) == []


@pytest.mark.parametrize("name", SENDERS)
def test_sender_to_something_else_is_nobodys_business(name: str) -> None:
    sends, _ = SENDERS[name]
    assert found(template(sends({"Ref": "Topic"}))) == []
    assert found(template(sends("arn:aws:sns:us-east-1:123456789012:topic"))) == []


@pytest.mark.parametrize(
    ("arn", "qualifier", "is_right"),
    [
        (LIVE, "live", True),
        (LIVE, SPLIT, True),
        (LIVE, None, False),  # the config of $LATEST is not that of the alias
        (LIVE, "other", False),
        (FUNCTION_ARN, None, True),
        (FUNCTION_ARN, "$LATEST", True),
        (FUNCTION_ARN, "live", False),
        ({"Ref": "Version"}, {"Fn::Select": [7, {"Fn::Split": [":", {"Ref": "Version"}]}]}, True),
        ({"Ref": "Version"}, SPLIT, False),
        ("arn:aws:lambda:us-east-1:123456789012:function:elsewhere:live", "live", False),
    ],
)
def test_destination_is_that_of_the_very_qualifier(
    arn: Any, qualifier: Any, is_right: bool
) -> None:
    assert (found(template(rule(arn), Config=config(qualifier, **ON_FAILURE))) == []) is is_right


@pytest.mark.parametrize("destination", [{}, {"OnSuccess": {"Destination": QUEUE}}])
def test_config_without_an_on_failure_destination_is_found(destination: dict[str, Any]) -> None:
    only = found(template(Config=config("live", **destination)))
    assert only == [("A", "Config", "DestinationConfig.OnFailure")]


def test_function_that_is_a_destination_needs_one_itself() -> None:
    second = {
        "Second": {"Type": "AWS::Lambda::Function", "Properties": {}},
        "Config": config("live", OnFailure={"Destination": {"Fn::GetAtt": ["Second", "Arn"]}}),
    }
    assert found(template(second)) == [("A", "Config", "DestinationConfig.OnFailure")]


@pytest.mark.parametrize("has_destination", [False, True])
def test_reference_to_another_stack_is_followed(has_destination: bool) -> None:
    owner = template(**({"Config": config("live", **ON_FAILURE)} if has_destination else {}))
    owner["Outputs"] = {"Live": {"Value": LIVE, "Export": {"Name": "A:Live"}}}
    user = {"Resources": rule({"Fn::ImportValue": "A:Live"})}
    assert found(owner, user) == ([] if has_destination else [("B", "Sender", "Targets[1].Arn")])


@pytest.mark.parametrize("has_destination", [False, True])
def test_synthesis_stops_where_failures_would_be_lost(
    tmp_path: Path, has_destination: bool
) -> None:
    app = cdk.App(outdir=str(tmp_path))
    owner, user = cdk.Stack(app, "Owner"), cdk.Stack(app, "User")
    function = lambda_.Function(
        owner,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )
    live = lambda_.Alias(owner, "Live", alias_name="live", version=function.current_version)
    if has_destination:
        queue = sqs.Queue(owner, "Queue")
        live.configure_async_invoke(on_failure=destinations.SqsDestination(queue))
    hourly = events.Schedule.rate(cdk.Duration.hours(1))
    events.Rule(user, "Rule", schedule=hourly, targets=[targets.LambdaFunction(live)])
    add_asynchronous_check(app)
    if has_destination:
        app.synth()
        return
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = (tmp_path / "validation-report.json").read_text()
    assert "AWS::Events::Rule invokes Owner/Live" in report
    assert "AsynchronousFailureDestination" in report


def test_nothing_of_ours_is_invoked_asynchronously(either: Synthesized) -> None:
    """Lambda keeps what it gives up only of asynchronous invocations: there are none to lose."""
    templates = {
        path.name: json.loads(path.read_text()) for path in either.folder.glob("*.template.json")
    }
    assert len(templates) >= 4
    assert findings(templates) == []
    kinds = {
        resource["Type"] for each in templates.values() for resource in each["Resources"].values()
    }
    assert not kinds & {"AWS::Lambda::EventInvokeConfig", "AWS::Scheduler::Schedule"}
