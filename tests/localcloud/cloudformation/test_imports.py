"""Resources that exist already, taken into a stack (ImportExistingResources).

"This parameter can only import resources that have custom names in templates":
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"Each resource to import must have a DeletionPolicy attribute":
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import trust

BAD = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Name": "aws-refused", "Type": "String", "Value": "x"},
    "DependsOn": "R",
}


def template(properties: dict[str, Any], type_name: str, **more: Any) -> dict[str, Any]:
    named = {"Type": type_name, "Properties": properties, "DeletionPolicy": "Retain"}
    return {"Resources": {"R": named, **more}}


def bucket(**more: Any) -> dict[str, Any]:
    return template({"BucketName": "precious"}, "AWS::S3::Bucket", **more)


def buckets(cloud: CloudUnderTest) -> list[str]:
    return [item["Name"] for item in cloud.client("s3").list_buckets()["Buckets"]]


def deploy(cloud: CloudUnderTest, body: dict[str, Any]) -> tuple[list[str], str]:
    """The planned actions, and the stack's status after them."""
    described = cloud.change_set(
        "one", body, "c", ChangeSetType="CREATE", ImportExistingResources=True
    )
    actions = [change["ResourceChange"]["Action"] for change in described["Changes"]]
    cloud.cloudformation.execute_change_set(StackName="one", ChangeSetName="c")
    return actions, cloud.finish("one")["StackStatus"]


def test_existing_bucket_is_imported_and_belongs_to_the_stack(cloud: CloudUnderTest) -> None:
    cloud.client("s3").create_bucket(Bucket="precious")

    assert deploy(cloud, bucket()) == (["Import"], "CREATE_COMPLETE")

    assert cloud.physical_id("one", "R") == "precious"
    assert cloud.statuses("one", "R") == ["IMPORT_IN_PROGRESS", "IMPORT_COMPLETE"]
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert buckets(cloud) == ["precious"]


def test_what_does_not_exist_is_made(cloud: CloudUnderTest) -> None:
    assert deploy(cloud, bucket()) == (["Add"], "CREATE_COMPLETE")


def test_rollback_lets_go_of_what_was_imported(cloud: CloudUnderTest) -> None:
    cloud.client("s3").create_bucket(Bucket="precious")
    body = bucket(Bad=BAD)
    # Even a resource that would be deleted with its stack: it was there before.
    body["Resources"]["R"]["DeletionPolicy"] = "Delete"

    assert deploy(cloud, body) == (["Import", "Add"], "ROLLBACK_COMPLETE")

    assert buckets(cloud) == ["precious"]
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert buckets(cloud) == ["precious"]


def test_rollback_takes_back_what_was_changed_after_the_import(cloud: CloudUnderTest) -> None:
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="mine", Type="String", Value="1")

    def named(value: str) -> dict[str, Any]:
        properties = {"Name": "mine", "Type": "String", "Value": value}
        return template(properties, "AWS::SSM::Parameter", Bad=BAD)

    cloud.change_set("one", named("1"), "c", ChangeSetType="CREATE", ImportExistingResources=True)
    cloud.cloudformation.execute_change_set(
        StackName="one", ChangeSetName="c", DisableRollback=True
    )
    cloud.service.join()
    assert cloud.update("one", named("2"), DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    assert ssm.get_parameter(Name="mine")["Parameter"]["Value"] == "2"

    cloud.cloudformation.rollback_stack(StackName="one")

    assert cloud.finish("one")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ssm.get_parameter(Name="mine")["Parameter"]["Value"] == "1"


def test_import_needs_a_deletion_policy(cloud: CloudUnderTest) -> None:
    cloud.client("s3").create_bucket(Bucket="precious")
    body = bucket()
    del body["Resources"]["R"]["DeletionPolicy"]

    described = cloud.change_set(
        "one", body, "c", ChangeSetType="CREATE", ImportExistingResources=True
    )

    assert described["Status"] == "FAILED"
    assert "resources to import [R] must have DeletionPolicy" in described["StatusReason"]


@pytest.mark.parametrize(
    ("type_name", "properties", "attribute"),
    [
        (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": trust("s3.amazonaws.com"), "RoleName": "mine"},
            "Arn",
        ),
        ("AWS::ECR::Repository", {"RepositoryName": "mine"}, "RepositoryUri"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "mine"}, "Arn"),
        ("AWS::SSM::Parameter", {"Name": "mine", "Type": "String", "Value": "1"}, "Value"),
    ],
)
def test_retained_resource_of_a_former_stack_is_imported_with_its_attributes(
    cloud: CloudUnderTest, type_name: str, properties: dict[str, Any], attribute: str
) -> None:
    body = {
        **template(properties, type_name),
        "Outputs": {"It": {"Value": {"Fn::GetAtt": ["R", attribute]}}},
    }
    made = cloud.create("model", body)["Outputs"]
    cloud.delete("model")
    assert deploy(cloud, body) == (["Import"], "CREATE_COMPLETE"), cloud.reasons("one")
    assert cloud.physical_id("one", "R") == "mine"
    assert cloud.finish("one")["Outputs"] == made
