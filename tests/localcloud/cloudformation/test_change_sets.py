"""Change sets: kept per stack, planned without touching anything, executed once."""

from __future__ import annotations

import json
from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest

NAME = "cdk-deploy-change-set"


def parameter(value: Any, name: Any = None, **more: Any) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value}
    if name is not None:
        properties["Name"] = name
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **more}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def execute(cloud: CloudUnderTest, stack: str, **arguments: Any) -> dict[str, Any]:
    cloud.cloudformation.execute_change_set(StackName=stack, ChangeSetName=NAME, **arguments)
    return cloud.finish(stack)


def test_new_stack_waits_in_review_until_executed(cloud: CloudUnderTest) -> None:
    described = cloud.change_set("one", template(P=parameter("1")), ChangeSetType="CREATE")

    assert described["Status"] == "CREATE_COMPLETE"
    assert described["ExecutionStatus"] == "AVAILABLE"
    assert [c["ResourceChange"]["Action"] for c in described["Changes"]] == ["Add"]
    assert cloud.finish("one")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []

    assert execute(cloud, "one")["StackStatus"] == "CREATE_COMPLETE"
    assert len(cloud.client("ssm").describe_parameters()["Parameters"]) == 1


def test_stack_in_review_can_be_deleted(cloud: CloudUnderTest) -> None:
    cloud.change_set("one", template(P=parameter("1")), ChangeSetType="CREATE")
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert cloud.service.live_stacks() == []


def test_two_stacks_may_use_the_same_change_set_name(cloud: CloudUnderTest) -> None:
    first = cloud.change_set("one", template(P=parameter("1", "a")), ChangeSetType="CREATE")
    second = cloud.change_set("two", template(P=parameter("2", "b")), ChangeSetType="CREATE")

    assert first["ChangeSetId"] != second["ChangeSetId"]
    execute(cloud, "two")
    assert cloud.finish("one")["StackStatus"] == "REVIEW_IN_PROGRESS"
    execute(cloud, "one")
    names = [p["Name"] for p in cloud.client("ssm").describe_parameters()["Parameters"]]
    assert sorted(names) == ["a", "b"]


def test_change_set_without_changes_fails_in_the_words_cdk_looks_for(
    cloud: CloudUnderTest,
) -> None:
    cloud.create("one", template(P=parameter("1")))

    described = cloud.change_set("one", template(P=parameter("1")))

    assert described["Status"] == "FAILED"
    assert described["ExecutionStatus"] == "UNAVAILABLE"
    assert described["StatusReason"].startswith("The submitted information didn't contain changes.")
    error = cloud.refusal(
        cloud.cloudformation.execute_change_set, StackName="one", ChangeSetName=NAME
    )
    assert error["Code"] == "InvalidChangeSetStatus"


def test_changed_output_or_tag_alone_is_a_change(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")))
    with_output = {**template(P=parameter("1")), "Outputs": {"O": {"Value": "x"}}}

    assert cloud.change_set("one", with_output)["Status"] == "CREATE_COMPLETE"
    assert execute(cloud, "one")["Outputs"] == [{"OutputKey": "O", "OutputValue": "x"}]
    tagged = cloud.change_set("one", with_output, "tags", Tags=[{"Key": "a", "Value": "b"}])
    assert tagged["Status"] == "CREATE_COMPLETE"
    (change,) = [change["ResourceChange"] for change in tagged["Changes"]]
    assert (change["Action"], change["Replacement"], change["Scope"]) == (
        "Modify",
        "False",
        ["Tags"],
    )


def test_plan_tells_update_replacement_and_removal_apart(cloud: CloudUnderTest) -> None:
    cloud.create(
        "one",
        template(
            Same=parameter("1"),
            Updated=parameter("1"),
            Replaced=parameter("1", "old"),
            Follower=parameter({"Ref": "Replaced"}),
            Renamed=parameter("1", "n"),
            Removed=parameter("1"),
            Kept=parameter("1", DeletionPolicy="Retain"),
            Labelled=parameter("1", Metadata={"a": 1}),
        ),
    )

    described = cloud.change_set(
        "one",
        template(
            Same=parameter("1"),
            Updated=parameter("2"),
            Replaced=parameter("1", "new"),
            Follower=parameter({"Ref": "Replaced"}),
            Renamed=parameter("1", {"Fn::Sub": "n-${Replaced}"}),
            Labelled=parameter("1", Metadata={"a": 2}),
        ),
    )

    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in described["Changes"]
    }
    assert {name: (c["Action"], c.get("Replacement")) for name, c in changes.items()} == {
        "Updated": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "Follower": ("Modify", "False"),
        "Renamed": ("Modify", "Conditional"),
        "Removed": ("Remove", None),
        "Kept": ("Remove", None),
        "Labelled": ("Modify", "False"),
    }
    assert changes["Removed"]["PolicyAction"] == "Delete"
    assert changes["Kept"]["PolicyAction"] == "Retain"
    assert changes["Labelled"]["Scope"] == ["Metadata"]
    (detail,) = changes["Replaced"]["Details"]
    assert detail["Target"] == {
        "Attribute": "Properties",
        "Name": "Name",
        "RequiresRecreation": "Always",
    }
    (detail,) = changes["Follower"]["Details"]
    assert (detail["Evaluation"], detail["ChangeSource"]) == ("Dynamic", "ResourceAttribute")


def test_planning_changes_nothing(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1", "a")))
    cloud.change_set("one", template(P=parameter("2", "b"), Q=parameter("1")))

    (found,) = cloud.client("ssm").describe_parameters()["Parameters"]
    assert found["Name"] == "a"
    assert cloud.finish("one")["StackStatus"] == "CREATE_COMPLETE"
    body = cloud.cloudformation.get_template(StackName="one")["TemplateBody"]
    assert list(body["Resources"]) == ["P"]
    planned = cloud.cloudformation.get_template(StackName="one", ChangeSetName=NAME)
    assert list(planned["TemplateBody"]["Resources"]) == ["P", "Q"]


def test_execution_makes_other_change_sets_obsolete(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")))
    cloud.change_set("one", template(P=parameter("2")))
    cloud.change_set("one", template(P=parameter("3")), "other")

    execute(cloud, "one")

    listed = cloud.cloudformation.list_change_sets(StackName="one")["Summaries"]
    assert {c["ChangeSetName"]: c["ExecutionStatus"] for c in listed} == {
        NAME: "EXECUTE_COMPLETE",
        "other": "OBSOLETE",
    }
    error = cloud.refusal(
        cloud.cloudformation.execute_change_set, StackName="one", ChangeSetName="other"
    )
    assert error["Code"] == "InvalidChangeSetStatus"


def test_same_token_executes_once(cloud: CloudUnderTest) -> None:
    cloud.change_set("one", template(P=parameter("1")), ChangeSetType="CREATE")
    execute(cloud, "one", ClientRequestToken="token")

    execute(cloud, "one", ClientRequestToken="token")

    assert cloud.statuses("one", "one") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_deleted_change_set_is_gone_and_deleting_it_again_is_no_error(
    cloud: CloudUnderTest,
) -> None:
    cloud.create("one", template(P=parameter("1")))
    cloud.change_set("one", template(P=parameter("2")))

    cloud.cloudformation.delete_change_set(StackName="one", ChangeSetName=NAME)
    cloud.cloudformation.delete_change_set(StackName="one", ChangeSetName=NAME)

    error = cloud.refusal(
        cloud.cloudformation.describe_change_set, StackName="one", ChangeSetName=NAME
    )
    assert error["Code"] == "ChangeSetNotFound"


def test_name_in_use_and_wrong_type_are_refused(cloud: CloudUnderTest) -> None:
    create = cloud.cloudformation.create_change_set
    body = json.dumps(template(P=parameter("1")))
    error = cloud.refusal(
        create, StackName="one", ChangeSetName=NAME, TemplateBody=body, ChangeSetType="UPDATE"
    )
    assert error["Message"] == "Stack [one] does not exist"
    cloud.change_set("one", template(P=parameter("1")), ChangeSetType="CREATE")
    error = cloud.refusal(
        create, StackName="one", ChangeSetName=NAME, TemplateBody=body, ChangeSetType="CREATE"
    )
    assert error["Code"] == "AlreadyExistsException"
    execute(cloud, "one")
    error = cloud.refusal(
        create, StackName="one", ChangeSetName="new", TemplateBody=body, ChangeSetType="CREATE"
    )
    assert "already exists" in error["Message"]


def test_change_set_is_found_by_its_arn_alone(cloud: CloudUnderTest) -> None:
    described = cloud.change_set("one", template(P=parameter("1")), ChangeSetType="CREATE")
    found = cloud.cloudformation.describe_change_set(ChangeSetName=described["ChangeSetId"])
    assert found["StackName"] == "one"
    error = cloud.refusal(cloud.cloudformation.describe_change_set, ChangeSetName=NAME)
    assert "StackName must be specified" in error["Message"]


def test_failed_plan_says_why(cloud: CloudUnderTest) -> None:
    described = cloud.change_set(
        "one", template(P=parameter({"Fn::ImportValue": "absent"})), ChangeSetType="CREATE"
    )
    assert described["Status"] == "FAILED"
    assert described["StatusReason"] == "No export named absent found"


def test_unknown_resource_behind_a_false_condition_fails_the_plan(cloud: CloudUnderTest) -> None:
    described = cloud.change_set(
        "one",
        {
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            **template(Maybe=parameter("1", Condition="Never"), P=parameter({"Ref": "Maybe"})),
        },
        ChangeSetType="CREATE",
    )
    assert described["Status"] == "FAILED"
    assert "Unresolved resource dependencies [Maybe]" in described["StatusReason"]


def test_failed_execution_is_marked(cloud: CloudUnderTest) -> None:
    cloud.change_set("one", template(P=parameter("1", "aws-refused")), ChangeSetType="CREATE")
    assert execute(cloud, "one")["StackStatus"] == "ROLLBACK_COMPLETE"
    listed = cloud.cloudformation.list_change_sets(StackName="one")["Summaries"]
    assert [c["ExecutionStatus"] for c in listed] == ["EXECUTE_FAILED"]


def test_execution_without_rollback_leaves_what_was_made(cloud: CloudUnderTest) -> None:
    cloud.change_set(
        "one",
        template(P=parameter("1", "a"), Q=parameter("1", "aws-refused", DependsOn="P")),
        ChangeSetType="CREATE",
    )
    assert execute(cloud, "one", DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    assert len(cloud.client("ssm").describe_parameters()["Parameters"]) == 1


def test_values_are_shown_when_they_are_asked_for(cloud: CloudUnderTest) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceTargetDefinition.html"""
    cloud.create(
        "one", template(P=parameter("1", "a"), Q=parameter({"Ref": "P"}), R=parameter("x"))
    )
    cloud.change_set(
        "one",
        template(
            P=parameter(
                "2",
                "b",
            ),
            Q=parameter({"Ref": "P"}),
        ),
    )

    described = cloud.cloudformation.describe_change_set(
        StackName="one", ChangeSetName=NAME, IncludePropertyValues=True
    )

    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in described["Changes"]
    }
    targets = {
        name: {detail["Target"]["Name"]: detail["Target"] for detail in change["Details"]}
        for name, change in changes.items()
    }
    value = targets["P"]["Value"]
    assert (value["Path"], value["BeforeValue"], value["AfterValue"]) == (
        "/Properties/Value",
        "1",
        "2",
    )
    assert value["AttributeChangeType"] == "Modify"
    assert targets["Q"]["Value"]["AfterValue"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    before = json.loads(changes["P"]["BeforeContext"])["Properties"]
    after = json.loads(changes["P"]["AfterContext"])["Properties"]
    assert (before["Name"], after["Name"]) == ("a", "b")
    assert "AfterContext" not in changes["R"]
    without = cloud.cloudformation.describe_change_set(StackName="one", ChangeSetName=NAME)
    assert "BeforeValue" not in repr(without)
