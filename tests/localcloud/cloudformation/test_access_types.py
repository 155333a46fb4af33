"""Roles, policies and keys: made, changed in place, stripped again, removed."""

from __future__ import annotations

import json

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import (
    POLICY,
    ROLE,
    OneResource,
    allow,
    is_gone,
    own_tags,
    tags,
    trust,
)


def test_role(cloud: CloudUnderTest) -> None:
    iam = cloud.client("iam")
    first = iam.create_policy(PolicyName="first", PolicyDocument=json.dumps(allow("s3:*")))
    second = iam.create_policy(PolicyName="second", PolicyDocument=json.dumps(allow("s3:*")))
    first_arn, second_arn = first["Policy"]["Arn"], second["Policy"]["Arn"]
    subject = OneResource(cloud, "AWS::IAM::Role")
    name = subject.create(
        AssumeRolePolicyDocument=trust("lambda.amazonaws.com"),
        Description="about",
        ManagedPolicyArns=[first_arn],
        MaxSessionDuration=7200,
        PermissionsBoundary=first_arn,
        Policies=[{"PolicyName": "p", "PolicyDocument": allow("s3:GetObject")}],
        Tags=tags(("a", "1")),
    )
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("about", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == first_arn

    subject.update(
        AssumeRolePolicyDocument=trust("states.amazonaws.com"),
        ManagedPolicyArns=[second_arn],
        Policies=[{"PolicyName": "q", "PolicyDocument": allow("s3:PutObject")}],
        Tags=tags(("b", "2")),
    )

    role = iam.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == trust("states.amazonaws.com")
    assert own_tags(role["Tags"]) == {"b": "2"}
    assert "PermissionsBoundary" not in role
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [second_arn]
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["q"]

    subject.delete()
    assert is_gone(iam.get_role, RoleName=name)


def test_inline_policy_moves_between_roles(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::IAM::Policy", One=ROLE, Two=ROLE)
    iam = cloud.client("iam")
    base = {"PolicyName": "p"}
    subject.create(**base, PolicyDocument=allow("s3:GetObject"), Roles=[{"Ref": "One"}])
    subject.update(**base, PolicyDocument=allow("s3:PutObject"), Roles=[{"Ref": "Two"}])
    one, two = cloud.physical_id("one", "One"), cloud.physical_id("one", "Two")
    assert iam.list_role_policies(RoleName=one)["PolicyNames"] == []
    found = iam.get_role_policy(RoleName=two, PolicyName="p")["PolicyDocument"]
    assert found == allow("s3:PutObject")
    subject.delete()


def test_managed_policy(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::IAM::ManagedPolicy", One=ROLE, Two=ROLE)
    iam = cloud.client("iam")
    arn = subject.create(PolicyDocument=allow("s3:GetObject"), Roles=[{"Ref": "One"}])
    for action in ("s3:PutObject", "s3:ListBucket"):
        subject.update(PolicyDocument=allow(action), Roles=[{"Ref": "Two"}])
    (version,) = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    assert document["PolicyVersion"]["Document"] == allow("s3:ListBucket")
    two = cloud.physical_id("one", "Two")
    (attached,) = iam.list_attached_role_policies(RoleName=two)["AttachedPolicies"]
    assert attached["PolicyArn"] == arn
    subject.delete()
    assert is_gone(iam.get_policy, PolicyArn=arn)


def test_key_and_alias(cloud: CloudUnderTest) -> None:
    alias = {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/a", "TargetKeyId": {"Ref": "R"}},
    }
    subject = OneResource(cloud, "AWS::KMS::Key", Alias=alias)
    kms = cloud.client("kms")
    key_id = subject.create(
        Description="d", EnableKeyRotation=True, KeyPolicy=POLICY, Tags=tags(("a", "1"))
    )
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]

    subject.update(KeyPolicy=allow("kms:*"), Enabled=False, Tags=tags(("b", "2")))

    metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert (metadata["Description"], metadata["Enabled"]) == ("", False)
    listed = kms.list_resource_tags(KeyId=key_id)["Tags"]
    assert own_tags(listed) == {"b": "2"}

    subject.delete()
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert "alias/a" not in [a["AliasName"] for a in kms.list_aliases()["Aliases"]]
