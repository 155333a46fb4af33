"""Logs, state machines, HTTP APIs, scaling, alarms, topics: made, changed in place, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import (
    POLICY,
    ROLE,
    OneResource,
    allow,
    own_tags,
    tags,
)


def test_log_group(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Logs::LogGroup")
    logs = cloud.client("logs")
    name = subject.create(RetentionInDays=7, Tags=tags(("a", "1")))
    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 7

    subject.update(Tags=tags(("b", "2")))

    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert "retentionInDays" not in group
    arn = group["arn"].removesuffix(":*")
    assert own_tags(logs.list_tags_for_resource(resourceArn=arn)["tags"]) == {"b": "2"}
    subject.delete()
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


def test_log_resource_policy(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Logs::ResourcePolicy")
    logs = cloud.client("logs")
    subject.create(PolicyName="p", PolicyDocument=json.dumps(allow("logs:PutLogEvents")))
    subject.update(PolicyName="p", PolicyDocument=json.dumps(allow("logs:*")))
    (policy,) = logs.describe_resource_policies()["resourcePolicies"]
    assert json.loads(policy["policyDocument"]) == allow("logs:*")
    subject.delete()
    assert logs.describe_resource_policies()["resourcePolicies"] == []


def _machine(comment: str) -> dict[str, Any]:
    return {"Comment": comment, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


def test_state_machine(cloud: CloudUnderTest) -> None:
    group = {"Type": "AWS::Logs::LogGroup"}
    subject = OneResource(cloud, "AWS::StepFunctions::StateMachine", Role=ROLE, Logs=group)
    states = cloud.client("stepfunctions")
    base = {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "StateMachineType": "EXPRESS"}
    arn = subject.create(
        **base,
        DefinitionString=json.dumps(_machine("${What}")),
        DefinitionSubstitutions={"What": "first"},
        LoggingConfiguration={
            "Destinations": [
                {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}
            ],
            "IncludeExecutionData": True,
            "Level": "ALL",
        },
        Tags=tags(("a", "1")),
        TracingConfiguration={"Enabled": True},
    )
    found = states.describe_state_machine(stateMachineArn=arn)
    assert found["type"] == "EXPRESS"
    assert json.loads(found["definition"])["Comment"] == "first"
    assert found["loggingConfiguration"]["level"] == "ALL"
    assert found["tracingConfiguration"] == {"enabled": True}

    subject.update(**base, Definition=_machine("second"), Tags=tags(("b", "2")))

    found = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(found["definition"])["Comment"] == "second"
    assert found["loggingConfiguration"]["level"] == "OFF"
    assert found["tracingConfiguration"] == {"enabled": False}
    listed = states.list_tags_for_resource(resourceArn=arn)["tags"]
    assert own_tags(listed) == {"b": "2"}

    cloud.client("s3").create_bucket(Bucket="definitions")
    cloud.client("s3").put_object(
        Bucket="definitions", Key="d.json", Body=json.dumps(_machine("third"))
    )
    subject.update(**base, DefinitionS3Location={"Bucket": "definitions", "Key": "d.json"})
    found = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(found["definition"])["Comment"] == "third"

    subject.delete()
    assert states.list_state_machines()["stateMachines"] == []


def test_existing_state_machine_is_not_taken_over(cloud: CloudUnderTest) -> None:
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    states = cloud.client("stepfunctions")
    states.create_state_machine(
        name="mine", roleArn=role["Arn"], definition=json.dumps(_machine("mine"))
    )
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": json.dumps(_machine("theirs")),
            "RoleArn": role["Arn"],
            "StateMachineName": "mine",
        },
    }
    assert cloud.create("one", {"Resources": {"M": machine}})["StackStatus"] == "ROLLBACK_COMPLETE"
    (found,) = states.list_state_machines()["stateMachines"]
    definition = states.describe_state_machine(stateMachineArn=found["stateMachineArn"])
    assert json.loads(definition["definition"])["Comment"] == "mine"


def test_scalable_target_and_policy(cloud: CloudUnderTest) -> None:
    policy = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "p",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "R"},
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
                },
                "TargetValue": 0.7,
            },
        },
    }
    subject = OneResource(cloud, "AWS::ApplicationAutoScaling::ScalableTarget", Policy=policy)
    client = cloud.client("application-autoscaling")
    base = {
        "MinCapacity": 1,
        "ResourceId": "function:f:live",
        "RoleARN": "arn:aws:iam::123456789012:role/scaling",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "ServiceNamespace": "lambda",
    }
    subject.create(**base, MaxCapacity=5)
    subject.update(**base, MaxCapacity=9)
    (target,) = client.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)
    (found,) = client.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"]
    assert found["ResourceId"] == "function:f:live"
    subject.delete()
    assert client.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []
    assert client.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"] == []


def test_alarm(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CloudWatch::Alarm")
    client = cloud.client("cloudwatch")
    base = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
        "EvaluationPeriods": 1,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Period": 60,
        "Statistic": "Sum",
        "TreatMissingData": "notBreaching",
    }
    name = subject.create(**base, Threshold=1)
    subject.update(**base, Threshold=2.5)
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["Threshold"] == 2.5
    subject.delete()
    assert client.describe_alarms()["MetricAlarms"] == []


def test_dashboard(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CloudWatch::Dashboard")
    client = cloud.client("cloudwatch")
    name = subject.create(DashboardBody='{"widgets": []}')
    subject.update(DashboardBody='{"widgets": [], "start": "-PT3H"}')
    assert "PT3H" in client.get_dashboard(DashboardName=name)["DashboardBody"]
    subject.delete()
    assert client.list_dashboards()["DashboardEntries"] == []


def test_topic_with_policy_and_subscription(cloud: CloudUnderTest) -> None:
    others = {
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"PolicyDocument": allow("sns:Publish"), "Topics": [{"Ref": "R"}]},
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "Endpoint": "a@example.com",
                "Protocol": "email",
                "TopicArn": {"Ref": "R"},
            },
        },
    }
    subject = OneResource(cloud, "AWS::SNS::Topic", **others)
    sns = cloud.client("sns")
    arn = subject.create(DisplayName="first", Tags=tags(("a", "1")))
    subject.update(DisplayName="second", Tags=tags(("b", "2")))
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["DisplayName"] == "second"
    assert json.loads(attributes["Policy"]) == allow("sns:Publish")
    assert own_tags(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) == {"b": "2"}
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1
    subject.delete()
    assert sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_cdk_metadata_makes_nothing(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CDK::Metadata")
    subject.create(Analytics="v2:deflate64:x")
    subject.update(Analytics="v2:deflate64:y")
    subject.delete()


@pytest.mark.parametrize(
    ("type_name", "properties"),
    [
        ("AWS::Logs::LogGroup", {"LogGroupName": "taken"}),
        ("AWS::SNS::Topic", {"TopicName": "taken"}),
        ("AWS::CloudWatch::Dashboard", {"DashboardName": "taken", "DashboardBody": "{}"}),
        (
            "AWS::CloudWatch::Alarm",
            {
                "AlarmName": "taken",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "Errors",
                "Namespace": "AWS/Lambda",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 1,
            },
        ),
        ("AWS::IAM::Role", {"RoleName": "taken", "AssumeRolePolicyDocument": POLICY}),
        ("AWS::ECR::Repository", {"RepositoryName": "taken"}),
        ("AWS::SSM::Parameter", {"Name": "taken", "Type": "String", "Value": "1"}),
    ],
)
def test_second_resource_of_a_name_is_refused(
    cloud: CloudUnderTest, type_name: str, properties: dict[str, Any]
) -> None:
    template = {"Resources": {"R": {"Type": type_name, "Properties": properties}}}
    assert cloud.create("one", template)["StackStatus"] == "CREATE_COMPLETE"

    assert cloud.create("two", template)["StackStatus"] == "ROLLBACK_COMPLETE"

    assert any("exists" in reason for reason in cloud.reasons("two"))
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    # It was still the first stack's to delete.
    assert cloud.create("three", template)["StackStatus"] == "CREATE_COMPLETE"


def test_generated_names_fit_and_tell_stacks_apart(cloud: CloudUnderTest) -> None:
    logical = "L" * 80
    template = {"Resources": {logical: ROLE, "B" * 80: {"Type": "AWS::S3::Bucket"}}}
    for stack in ("s" * 100, "t" * 100):
        assert cloud.create(stack, template)["StackStatus"] == "CREATE_COMPLETE"
    names = [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]
    assert len(set(names)) == 2
    assert all(len(name) <= 64 for name in names)
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert all(len(name) <= 63 and name == name.lower() for name in buckets)
