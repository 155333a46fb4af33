"""Stacks on moto's own services, through boto3: what CloudFormation says is what is there."""

from __future__ import annotations

import json
from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value, **properties},
    }


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


# SSM refuses names that begin with "aws": only the service can know, so it fails while deploying.
REFUSED = parameter("x", Name="aws-refused")


def values(cloud: CloudUnderTest) -> dict[str, str]:
    ssm = cloud.client("ssm")
    names = [item["Name"] for item in ssm.describe_parameters()["Parameters"]]
    return {n: ssm.get_parameter(Name=n)["Parameter"]["Value"] for n in names}


def buckets(cloud: CloudUnderTest) -> list[str]:
    return [item["Name"] for item in cloud.client("s3").list_buckets()["Buckets"]]


def test_created_stack_has_its_resources_and_outputs(cloud: CloudUnderTest) -> None:
    stack = cloud.create(
        "one",
        {
            **template(Data=bucket(), Name=parameter({"Ref": "Data"})),
            "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Data", "Arn"]}, "Description": "it"}},
        },
        Tags=[{"Key": "app", "Value": "shpc"}],
    )

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Tags"] == [{"Key": "app", "Value": "shpc"}]
    (name,) = buckets(cloud)
    assert name.startswith("one-data-")
    assert list(values(cloud).values()) == [name]
    assert stack["Outputs"] == [
        {"OutputKey": "Arn", "OutputValue": f"arn:aws:s3:::{name}", "Description": "it"}
    ]
    assert cloud.statuses("one", "one") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert cloud.statuses("one", "Data") == ["CREATE_IN_PROGRESS"] * 2 + ["CREATE_COMPLETE"]


def test_update_in_place_keeps_the_resource(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")))
    name = cloud.physical_id("one", "P")

    stack = cloud.update("one", template(P=parameter("2")))

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert "LastUpdatedTime" in stack
    assert values(cloud) == {name: "2"}


def test_replaced_resource_is_new_and_the_old_one_gone(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1", Name="first")))

    cloud.update("one", template(P=parameter("1", Name="second")))

    assert values(cloud) == {"second": "1"}
    assert cloud.physical_id("one", "P") == "second"


def test_failed_creation_rolls_back_and_says_why(cloud: CloudUnderTest) -> None:
    stack = cloud.create("one", template(Data=bucket(), P=parameter("1"), Bad=REFUSED))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert buckets(cloud) == []
    assert values(cloud) == {}
    assert cloud.statuses("one", "Bad")[:2] == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert any('can\'t be prefixed with "aws"' in reason for reason in cloud.reasons("one"))


def test_rolled_back_stack_can_be_deleted_and_made_again(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(Bad=REFUSED))
    refused = cloud.refusal(
        cloud.cloudformation.update_stack, StackName="one", TemplateBody=json.dumps(template())
    )
    assert "ROLLBACK_COMPLETE state and can not be updated" in refused["Message"]

    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert cloud.create("one", template(P=parameter("1")))["StackStatus"] == "CREATE_COMPLETE"


def test_half_made_bucket_is_cleaned_up(cloud: CloudUnderTest) -> None:
    # The bucket itself can be made; the log bucket that it names does not exist.
    logging = {"DestinationBucketName": "nobodys-bucket"}

    stack = cloud.create("one", template(Data=bucket(LoggingConfiguration=logging)))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert buckets(cloud) == []
    assert any("target bucket for logging does not exist" in r for r in cloud.reasons("one"))


def test_failed_update_restores_the_former_properties(cloud: CloudUnderTest) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    cloud.create("one", template(P=parameter("1", Name="first"), Data=bucket(Tags=tags)))
    name = cloud.physical_id("one", "Data")

    stack = cloud.update(
        "one",
        template(
            P=parameter("2", Name="second"),
            Data=bucket(Tags=[{"Key": "b", "Value": "2"}]),
            More=bucket(),
            Bad={**REFUSED, "DependsOn": ["P", "Data", "More"]},
        ),
    )

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert values(cloud) == {"first": "1"}
    assert buckets(cloud) == [name]
    assert cloud.client("s3").get_bucket_tagging(Bucket=name)["TagSet"] == tags
    body = cloud.cloudformation.get_template(StackName="one")["TemplateBody"]
    assert "Bad" not in body["Resources"]


def test_full_bucket_stops_the_deletion_until_it_is_empty(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(Data=bucket(), P=parameter("1")))
    name = cloud.physical_id("one", "Data")
    cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x")

    stack = cloud.delete("one")
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"].startswith(
        "The following resource(s) failed to delete: [Data]"
    )
    assert values(cloud) == {}
    assert any("not empty" in reason for reason in cloud.reasons("one"))

    cloud.client("s3").delete_object(Bucket=name, Key="k")
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert buckets(cloud) == []


def test_full_bucket_can_be_retained_by_the_repeated_deletion(cloud: CloudUnderTest) -> None:
    """ "Retaining resources is useful when you can't delete [...] a non-empty S3 bucket":

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    cloud.create("one", template(Data=bucket()))
    name = cloud.physical_id("one", "Data")
    cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    assert cloud.delete("one")["StackStatus"] == "DELETE_FAILED"

    assert cloud.delete("one", RetainResources=["Data"])["StackStatus"] == "DELETE_COMPLETE"

    assert buckets(cloud) == [name]
    assert cloud.create("one", template(Data=bucket()))["StackStatus"] == "CREATE_COMPLETE"


def test_retained_bucket_stays(cloud: CloudUnderTest) -> None:
    kept = {**bucket(), "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    cloud.create("one", template(Data=kept, P=parameter("1")))
    (name,) = buckets(cloud)

    cloud.delete("one")

    assert buckets(cloud) == [name]
    assert values(cloud) == {}


def test_existing_bucket_is_not_taken_over(cloud: CloudUnderTest) -> None:
    cloud.client("s3").create_bucket(Bucket="precious")

    stack = cloud.create("one", template(Data=bucket(BucketName="precious")))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("precious already exists" in reason for reason in cloud.reasons("one"))
    assert buckets(cloud) == ["precious"]


def test_deleted_stack_is_known_by_its_id_only(cloud: CloudUnderTest) -> None:
    stack_id = cloud.create("one", template(P=parameter("1")))["StackId"]
    cloud.delete("one")

    client = cloud.cloudformation
    assert client.describe_stacks()["Stacks"] == []
    message = cloud.refusal(client.describe_stacks, StackName="one")["Message"]
    assert message == "Stack with id one does not exist"
    (stack,) = client.describe_stacks(StackName=stack_id)["Stacks"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert "DeletionTime" in stack
    assert client.describe_stack_events(StackName=stack_id)["StackEvents"]
    assert values(cloud) == {}

    again = cloud.create("one", template(P=parameter("1")))
    assert again["StackId"] != stack_id
    assert cloud.service.live_stacks() == ["one"]


def test_delete_of_an_unknown_stack_is_no_error(cloud: CloudUnderTest) -> None:
    cloud.cloudformation.delete_stack(StackName="nobody")


def test_protected_stack_is_not_deleted(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")), EnableTerminationProtection=True)

    message = cloud.refusal(cloud.cloudformation.delete_stack, StackName="one")["Message"]
    assert message == "Stack [one] cannot be deleted while TerminationProtection is enabled"

    cloud.cloudformation.update_termination_protection(
        StackName="one", EnableTerminationProtection=False
    )
    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"


def test_update_without_changes_is_refused(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")))
    message = cloud.refusal(
        cloud.cloudformation.update_stack,
        StackName="one",
        TemplateBody=json.dumps(template(P=parameter("1"))),
    )["Message"]
    assert message == "No updates are to be performed."


def test_name_in_use_is_refused(cloud: CloudUnderTest) -> None:
    cloud.create("one", template(P=parameter("1")))
    error = cloud.refusal(
        cloud.cloudformation.create_stack,
        StackName="one",
        TemplateBody=json.dumps(template(P=parameter("1"))),
    )
    assert error["Code"] == "AlreadyExistsException"
