"""Buckets, parameters, repositories: made, changed in place, stripped again, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import (
    POLICY,
    OneResource,
    allow,
    is_gone,
    own_tags,
    tags,
)


def test_bucket(cloud: CloudUnderTest) -> None:
    full: dict[str, Any] = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "LifecycleConfiguration": {
            "Rules": [
                {"Status": "Enabled", "ExpirationInDays": 3, "Prefix": "jobs/", "Id": "old"},
                {
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                    "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
                },
            ]
        },
        "LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "x/"},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "Tags": tags(("a", "1")),
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    # Every request to a logged bucket puts an object into the other one.
    logs = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    subject = OneResource(cloud, "AWS::S3::Bucket", Logs=logs)
    s3 = cloud.client("s3")
    name = subject.create()

    subject.update(**full)

    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "AES256"
    }
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (rules[0]["ID"], rules[0]["Expiration"]["Days"]) == ("old", 3)
    assert rules[0]["Filter"] == {"Prefix": "jobs/"}
    assert rules[1]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rules[1]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    assert rules[1]["Transitions"] == [{"Days": 30, "StorageClass": "GLACIER"}]
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetPrefix"] == "x/"
    access = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(access.values())
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == tags(("a", "1"))
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]

    subject.update()

    assert is_gone(s3.get_bucket_encryption, Bucket=name)
    assert is_gone(s3.get_bucket_lifecycle_configuration, Bucket=name)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    assert is_gone(s3.get_public_access_block, Bucket=name)
    assert is_gone(s3.get_bucket_tagging, Bucket=name)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert is_gone(s3.get_bucket_ownership_controls, Bucket=name)

    subject.delete()
    assert is_gone(s3.head_bucket, Bucket=name)


def test_bucket_policy(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::S3::BucketPolicy", Data={"Type": "AWS::S3::Bucket"})
    s3 = cloud.client("s3")
    bucket = subject.create(Bucket={"Ref": "Data"}, PolicyDocument=allow("s3:GetObject"))
    subject.update(Bucket={"Ref": "Data"}, PolicyDocument=allow("s3:ListBucket"))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == allow("s3:ListBucket")
    subject.delete()


def test_second_policy_of_a_bucket_is_refused(cloud: CloudUnderTest) -> None:
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Data"}, "PolicyDocument": POLICY},
    }
    resources = {"Data": {"Type": "AWS::S3::Bucket"}, "First": policy, "Second": policy}
    assert cloud.create("one", {"Resources": resources})["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("bucket policy already exists" in reason for reason in cloud.reasons("one"))


@pytest.mark.parametrize("tagged", [True, False])
def test_auto_delete_empties_a_tagged_bucket_only(cloud: CloudUnderTest, tagged: bool) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "Tags": tags(("aws-cdk:auto-delete-objects", "true")) if tagged else [],
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    }
    emptier = {
        "Type": "Custom::S3AutoDeleteObjects",
        "Properties": {"BucketName": {"Ref": "Data"}, "ServiceToken": "arn:of:a:function"},
    }
    cloud.create("one", {"Resources": {"Data": bucket, "Emptier": emptier}})
    name = cloud.physical_id("one", "Data")
    s3 = cloud.client("s3")
    for number in range(3):
        s3.put_object(Bucket=name, Key="same", Body=str(number).encode())
    s3.delete_object(Bucket=name, Key="same")

    stack = cloud.delete("one")

    assert stack["StackStatus"] == ("DELETE_COMPLETE" if tagged else "DELETE_FAILED")
    assert len(s3.list_buckets()["Buckets"]) == (0 if tagged else 1)


@pytest.mark.parametrize("versioned", ["Enabled", "Suspended"])
def test_auto_delete_empties_a_bucket_of_more_than_one_listing(
    cloud: CloudUnderTest, versioned: str
) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "Tags": tags(("aws-cdk:auto-delete-objects", "true")),
            "VersioningConfiguration": {"Status": versioned},
        },
    }
    emptier = {
        "Type": "Custom::S3AutoDeleteObjects",
        "Properties": {"BucketName": {"Ref": "Data"}, "ServiceToken": "arn:of:a:function"},
    }
    cloud.create("one", {"Resources": {"Data": bucket, "Emptier": emptier}})
    name = cloud.physical_id("one", "Data")
    s3 = cloud.client("s3")
    for number in range(1_050):
        s3.put_object(Bucket=name, Key=f"jobs/{number % 7}/{number}", Body=b"")

    assert cloud.delete("one")["StackStatus"] == "DELETE_COMPLETE"
    assert s3.list_buckets()["Buckets"] == []


def test_parameter(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::SSM::Parameter")
    ssm = cloud.client("ssm")
    base = {"Type": "String"}
    name = subject.create(**base, Value="1", Tags={"a": "1", "b": "2"}, Description="d")
    subject.update(**base, Value="2", Tags={"b": "3"})
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "2"
    listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert own_tags(listed) == {"b": "3"}
    subject.delete()
    assert is_gone(ssm.get_parameter, Name=name)


def test_repository(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::ECR::Repository")
    ecr = cloud.client("ecr")
    text = json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "sinceImagePushed",
                        "countUnit": "days",
                        "countNumber": 1,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    name = subject.create(
        ImageTagMutability="IMMUTABLE",
        ImageScanningConfiguration={"ScanOnPush": True},
        LifecyclePolicy={"LifecyclePolicyText": text},
        RepositoryPolicyText=allow("ecr:GetDownloadUrlForLayer"),
        Tags=tags(("a", "1")),
    )
    (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])
    assert ecr.get_repository_policy(repositoryName=name)["policyText"]

    subject.update(EmptyOnDelete=True)

    (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    assert repository["imageTagMutability"] == "MUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
    assert is_gone(ecr.get_lifecycle_policy, repositoryName=name)
    assert is_gone(ecr.get_repository_policy, repositoryName=name)
    assert (
        own_tags(ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]) == {}
    )
    ecr.put_image(
        repositoryName=name,
        imageManifest="{}",
        imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
        imageTag="t",
    )

    subject.delete()
    assert is_gone(ecr.describe_repositories, repositoryNames=[name])
