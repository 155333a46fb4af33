"""Who a resource is: its tags are the stage's, its name is CloudFormation's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from review.schemas import schema_of
from tests.stacks.synthesized import Synthesized

# Names that are ours. The rest is named by CloudFormation, so that a resource can be replaced and
# a stage can be there twice.
NAMED = {
    ("AWS::ApiGatewayV2::Api", "Name"): "shpc-{stage}-api",  # not an identity: two may share it
    ("AWS::ApiGatewayV2::Stage", "StageName"): "$default",
    ("AWS::Lambda::Alias", "Name"): "live",
}
# Properties called a name that name something of AWS's, or a part of the resource itself.
NOT_A_NAME = {
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"),  # unique within its target
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::EC2::VPCEndpoint", "ServiceName"),
    ("AWS::IAM::Policy", "PolicyName"),  # inline: unique within its role, and CDK's own
    # The reader of a log of flows is told which; the log has CloudFormation's name.
    ("AWS::EC2::FlowLog", "LogGroupName"),
}
# CDK writes the function that empties buckets as it is. CloudFormation tags it with its stack.
EMPTYING = "aws-cdk:auto-delete-objects"  # by which that function knows a bucket it may empty
UNTAGGED = "CustomS3AutoDelete"


def names(resource: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in resource.get("Properties", {}).items():
        if key.endswith("Name") and (resource["Type"], key) not in NOT_A_NAME:
            yield key, value


def tags(resource: dict[str, Any], tag_property: str) -> dict[str, str]:
    """What a resource is tagged with, whether as a list, a map, or by type of resource."""
    found: dict[str, str] = {}
    value = resource["Properties"].get(tag_property, [])
    if tag_property == "TagSpecifications":
        value = [tag for one in value for tag in one["Tags"]]
    if isinstance(value, dict):
        return value
    for tag in value:
        found[tag["Key"]] = tag["Value"]
    return found


def test_only_what_must_be_named_is_named_by_us(every: Synthesized) -> None:
    for name, resource in every.resources().items():
        for key, value in names(resource):
            if isinstance(value, dict) and set(value) <= {"Ref", "Fn::GetAtt", "Fn::ImportValue"}:
                continue  # the name of another resource
            expected = NAMED.get((resource["Type"], key))
            assert expected is not None, f"{name}.{key} = {value}"
            assert value == expected.format(stage=every.stage), name


def test_every_resource_that_can_be_tagged_is(every: Synthesized) -> None:
    """AWS's schemas know which can be, and in which property."""
    tagged = 0
    for name, resource in every.resources().items():
        schema = schema_of(resource["Type"])
        assert schema is not None, f"{name}: {resource['Type']} has no schema"
        if schema.tag_property is None or UNTAGGED in name:
            continue
        found = tags(resource, schema.tag_property)
        assert {"app": "shpc", "stage": every.stage}.items() <= found.items(), name
        tagged += 1
    assert tagged > 20


def test_stage_and_app_are_the_only_tags(every: Synthesized) -> None:
    """A tag that says nothing to a bill or a person is one more thing to keep in step."""
    for name, resource in every.resources().items():
        schema = schema_of(resource["Type"])
        if schema is not None and schema.tag_property is not None:
            found = set(tags(resource, schema.tag_property)) - {EMPTYING}
            assert found <= {"app", "stage"}, name
