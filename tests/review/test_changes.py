"""What a change does to what is deployed; replacement after AWS's resource schemas."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from review.changes import Change, Effect, changes

BUCKET = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "Properties": {
        "BucketName": "old",
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}]},
    },
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"Path": "/", "Description": "old"}}
VPC_ENDPOINT = {"Type": "AWS::Made::Up", "Properties": {"A": 1}}


def stage(**resources: Any) -> dict[str, Any]:
    return {"Storage": {"Resources": resources, "Outputs": {}}}


def the_change(before: dict[str, Any], after: dict[str, Any]) -> Change:
    (change,) = changes(before, after)
    return change


def changed(resource: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    new = copy.deepcopy(resource)
    place: Any = new
    for key in path[:-1]:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[path[-1]] = to
    return new


def test_no_change_is_none() -> None:
    assert changes(stage(A=BUCKET), stage(A=copy.deepcopy(BUCKET))) == []


def test_added_and_removed_are_told_apart() -> None:
    assert the_change(stage(), stage(A=ROLE)).effect is Effect.ADDED
    assert the_change(stage(A=ROLE), stage()).effect is Effect.REMOVED


def test_removed_resource_that_stays_is_said_to() -> None:
    assert the_change(stage(A=BUCKET), stage()).details == (
        "its DeletionPolicy is Retain: it stays, unmanaged",
    )


@pytest.mark.parametrize(
    ("resource", "path", "effect"),
    [
        (BUCKET, ("Properties", "BucketName"), Effect.REPLACED),
        (BUCKET, ("Properties", "LifecycleConfiguration"), Effect.MODIFIED),
        (BUCKET, ("DeletionPolicy",), Effect.MODIFIED),
        (ROLE, ("Properties", "Path"), Effect.REPLACED),
        (ROLE, ("Properties", "Description"), Effect.MODIFIED),
        (VPC_ENDPOINT, ("Properties", "A"), Effect.UNKNOWN),
    ],
    ids=lambda value: str(value)[:30],
)
def test_effect_follows_the_schema(
    resource: dict[str, Any], path: tuple[str, ...], effect: Effect
) -> None:
    """`createOnlyProperties` replace their resource:

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
    """
    after = stage(A=changed(resource, *path, to="new"))
    assert the_change(stage(A=resource), after).effect is effect


def test_property_that_may_replace_is_told_from_one_that_does() -> None:
    def compute(**resources: Any) -> dict[str, Any]:
        properties = {"Type": "MANAGED", "ComputeResources": resources}
        return stage(A={"Type": "AWS::Batch::ComputeEnvironment", "Properties": properties})

    before = compute(InstanceTypes=["c5.large"], MaxvCpus=4)
    assert the_change(before, compute(InstanceTypes=["c5.xlarge"], MaxvCpus=4)).effect is (
        Effect.MAY_BE_REPLACED
    )
    assert the_change(before, compute(InstanceTypes=["c5.large"], MaxvCpus=8)).effect is (
        Effect.MODIFIED
    )


def test_resource_of_another_type_is_replaced() -> None:
    change = the_change(stage(A=ROLE), stage(A=BUCKET))
    assert change.effect is Effect.REPLACED
    assert change.details == ("Type: AWS::IAM::Role → AWS::S3::Bucket",)


def test_detail_names_the_property_and_both_values() -> None:
    after = stage(A=changed(BUCKET, "Properties", "LifecycleConfiguration", to={"Rules": []}))
    assert the_change(stage(A=BUCKET), after).details == (
        'Properties.LifecycleConfiguration.Rules: [{"Status":"Enabled"}] → []',
    )
    after = stage(A=changed(ROLE, "Properties", "Path", to="/new/"))
    assert the_change(stage(A=ROLE), after).details == ("Properties.Path: / → /new/ (replaces it)",)


def test_change_of_one_item_of_a_list_is_told_alone() -> None:
    path = ("Properties", "LifecycleConfiguration", "Rules", "0", "Status")
    after = stage(A=changed(BUCKET, *path, to="Disabled"))
    assert the_change(stage(A=BUCKET), after).details == (
        "Properties.LifecycleConfiguration.Rules.0.Status: Enabled → Disabled",
    )


@pytest.mark.parametrize(
    ("resource", "path", "security"),
    [
        (ROLE, ("Properties", "Description"), True),
        (BUCKET, ("Properties", "PublicAccessBlockConfiguration", "BlockPublicAcls"), True),
        (BUCKET, ("DeletionPolicy",), True),
        (BUCKET, ("Properties", "BucketName"), False),
    ],
    ids=str,
)
def test_change_of_security_is_known(
    resource: dict[str, Any], path: tuple[str, ...], security: bool
) -> None:
    after = stage(A=changed(resource, *path, to="new"))
    assert the_change(stage(A=resource), after).security is security


def test_security_comes_first_then_what_is_lost() -> None:
    before = stage(
        Gone={"Type": "AWS::SQS::Queue"}, Open=BUCKET, Log={"Type": "AWS::Logs::LogGroup"}
    )
    opened = changed(BUCKET, "Properties", "PublicAccessBlockConfiguration", to={})
    after = stage(Open=opened, Log={"Type": "AWS::Logs::LogGroup", "Properties": {"X": 1}})
    found = [change.name for change in changes(before, after)]
    assert found == ["Open", "Gone", "Log"]


def test_changed_output_is_a_change() -> None:
    before, after = stage(), stage()
    after["Storage"]["Outputs"] = {"Url": {"Value": "x"}}
    change = the_change(before, after)
    assert (change.kind, change.name, change.effect) == ("Outputs", "Url", Effect.ADDED)


def test_added_stack_is_as_many_changes_as_it_has_resources() -> None:
    found = changes({}, stage(A=BUCKET, B=ROLE))
    assert [(change.name, change.effect) for change in found] == [
        ("B", Effect.ADDED),
        ("A", Effect.ADDED),
    ]


def test_properties_that_come_together_are_told_one_by_one() -> None:
    log = {"Type": "AWS::Logs::LogGroup"}
    after = {**log, "Properties": {"RetentionInDays": 7, "Tags": []}}
    change = the_change(stage(A=log), stage(A=after))
    assert change.effect is Effect.MODIFIED
    assert change.details == (
        "Properties.RetentionInDays: nothing → 7",
        "Properties.Tags: nothing → []",
    )


def test_of_a_long_value_the_part_that_differs_is_told() -> None:
    def machine(width: int) -> dict[str, Any]:
        text = f"{'x' * 500}MaxConcurrency:{width},{'y' * 500}"
        return stage(A={"Type": "AWS::StepFunctions::StateMachine", "Properties": {"D": text}})

    (detail,) = the_change(machine(100), machine(50)).details
    assert "MaxConcurrency:100," in detail
    assert "MaxConcurrency:50," in detail
    assert len(detail) < 260
