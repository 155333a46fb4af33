"""The real CDK CLI against this CloudFormation: its verdict is the truth."""

from __future__ import annotations

from typing import Any

from tests.localcloud.cloudformation.assemblies import Assembly
from tests.localcloud.cloudformation.conftest import CloudUnderTest


def _parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value, **properties},
    }


BASE = {
    "Resources": {"P": _parameter("1")},
    "Outputs": {"Name": {"Value": {"Ref": "P"}, "Export": {"Name": "base:P"}}},
}


def write(assembly: Assembly, user: dict[str, Any], **properties: Any) -> None:
    """Two stacks: `user` may import what `base` exports."""
    assembly.write(
        {"base": BASE, "user": {"Resources": user}}, after={"user": ["base"]}, **properties
    )


def test_deploy_change_fail_and_destroy(assembly: Assembly, cloud: CloudUnderTest) -> None:
    imported = {"Fn::ImportValue": "base:P"}
    write(assembly, {"Q": _parameter(imported)}, terminationProtection=True)
    deployed = assembly.deploy()
    assert deployed.code == 0, deployed.said
    assert sorted(cloud.service.live_stacks()) == ["base", "user"]
    assert cloud.finish("base")["EnableTerminationProtection"]

    refused = {"R": _parameter("x", Name="aws-refused"), "Q": _parameter("changed")}
    write(assembly, refused)
    failed = assembly.deploy("user")
    assert failed.code == 1, failed.said
    assert 'can\'t be prefixed with "aws"' in failed.said
    assert cloud.finish("user")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    write(assembly, {"Q": _parameter(imported), "V": {"Type": "AWS::EC2::EIP"}})
    unknown = assembly.deploy()
    assert unknown.code == 1, unknown.said
    assert "not modelled by this embedded cloud; used by V (AWS::EC2::EIP)" in unknown.said

    in_use = assembly.destroy("base", "--exclusively")
    assert in_use.code == 1, in_use.said
    assert "Export base:P cannot be deleted as it is in use by user" in in_use.said

    write(assembly, {"Q": _parameter(imported)})
    destroyed = assembly.destroy()
    assert destroyed.code == 0, destroyed.said
    assert cloud.service.live_stacks() == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_diff_shows_a_replacement_and_touches_nothing(
    assembly: Assembly, cloud: CloudUnderTest
) -> None:
    template = {"Resources": {"Q": _parameter("1", Name="old")}}
    cloud.create("user", template)
    write(assembly, {"Q": _parameter("1", Name="new")})

    diff = assembly.cdk("diff", "user", "--exclusively")

    assert diff.code == 0, diff.said
    assert "(requires replacement)" in diff.said
    assert "Could not create a change set" not in diff.said
    assert cloud.finish("user")["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.cloudformation.list_change_sets(StackName="user")["Summaries"] == []
