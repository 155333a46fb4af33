"""A stack's tags on its resources.

"CloudFormation also propagates these tags to the resources created in the stack":
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
and adds three of its own:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
"""

from __future__ import annotations

from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import tags

TOPIC = {
    "Type": "AWS::SNS::Topic",
    "Properties": {"TopicName": "t", "Tags": tags(("own", "1"), ("both", "resource"))},
}
PARAMETER = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Name": "p", "Type": "String", "Value": "1"},
}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "b-b"}}
POLICY = {
    "Type": "AWS::SNS::TopicPolicy",
    "Properties": {"Topics": [{"Ref": "T"}], "PolicyDocument": {}},
}
ALARM = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": "a",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "MetricName": "m",
        "Namespace": "n",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 1,
    },
}
TEMPLATE = {
    "Resources": {"T": TOPIC, "P": PARAMETER, "B": BUCKET, "TopicPolicy": POLICY, "A": ALARM}
}


def tags_of(cloud: CloudUnderTest) -> dict[str, dict[str, str]]:
    topic = cloud.client("sns").list_tags_for_resource(
        ResourceArn=f"arn:aws:sns:us-east-1:{cloud.context.account}:t"
    )["Tags"]
    parameter = cloud.client("ssm").list_tags_for_resource(
        ResourceType="Parameter", ResourceId="p"
    )["TagList"]
    alarm = cloud.client("cloudwatch").list_tags_for_resource(
        ResourceARN=f"arn:aws:cloudwatch:us-east-1:{cloud.context.account}:alarm:a"
    )["Tags"]
    bucket = cloud.client("s3").get_bucket_tagging(Bucket="b-b")["TagSet"]
    listed: dict[str, Any] = {"T": topic, "P": parameter, "A": alarm, "B": bucket}
    return {name: {t["Key"]: t["Value"] for t in those} for name, those in listed.items()}


def system_tags(stack: dict[str, Any], logical_id: str) -> dict[str, str]:
    return {
        "aws:cloudformation:stack-name": stack["StackName"],
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": logical_id,
    }


def test_resources_have_the_tags_of_their_stack_and_those_that_say_where_they_are_from(
    cloud: CloudUnderTest,
) -> None:
    stack = cloud.create("one", TEMPLATE, Tags=tags(("both", "stack"), ("stack", "1")))
    assert stack["StackStatus"] == "CREATE_COMPLETE", cloud.reasons("one")

    found = tags_of(cloud)
    inherited = {"both": "stack", "stack": "1"}
    own = {"own": "1", "both": "resource", "stack": "1"}
    assert found["T"] == {**own, **system_tags(stack, "T")}
    assert found["P"] == {**inherited, **system_tags(stack, "P")}
    assert found["A"] == {**inherited, **system_tags(stack, "A")}
    # S3 lets nobody set tags that begin with "aws:".
    assert found["B"] == inherited


def test_changed_tags_of_a_stack_reach_resources_that_stay(cloud: CloudUnderTest) -> None:
    cloud.create("one", TEMPLATE, Tags=tags(("old", "1")))

    stack = cloud.update("one", TEMPLATE, Tags=tags(("new", "2")))

    assert stack["StackStatus"] == "UPDATE_COMPLETE", cloud.reasons("one")
    found = tags_of(cloud)
    assert found["P"] == {"new": "2", **system_tags(stack, "P")}
    assert found["A"] == {"new": "2", **system_tags(stack, "A")}
    assert found["T"] == {
        "own": "1",
        "both": "resource",
        "new": "2",
        **system_tags(stack, "T"),
    }
    assert found["B"] == {"new": "2"}


def test_failed_update_gives_former_tags_back(cloud: CloudUnderTest) -> None:
    cloud.create("one", TEMPLATE, Tags=tags(("old", "1")))
    before = tags_of(cloud)
    bad = {**PARAMETER, "DependsOn": ["A", "B", "P", "T"]}
    bad["Properties"] = {**PARAMETER["Properties"], "Name": "aws-refused"}  # type: ignore[dict-item]

    stack = cloud.update(
        "one", {"Resources": {**TEMPLATE["Resources"], "Bad": bad}}, Tags=tags(("new", "2"))
    )

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Tags"] == tags(("old", "1"))
    assert tags_of(cloud) == before
