"""The real CDK CLI against this CloudFormation: its verdict is the truth."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest


def _parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value, **properties},
    }


class Assembly:
    """A cloud assembly of two stacks without assets: `user` imports what `base` exports."""

    def __init__(self, folder: Path, repository_root: Path, cloud: CloudUnderTest) -> None:
        self._folder = folder
        self._cdk = repository_root / "node_modules" / ".bin" / "cdk"
        self._cloud = cloud

    def write(self, user: dict[str, Any], *, protected: bool = False) -> None:
        base = {
            "Resources": {"P": _parameter("1")},
            "Outputs": {"Name": {"Value": {"Ref": "P"}, "Export": {"Name": "base:P"}}},
        }
        artifacts = {}
        for name, template in (("base", base), ("user", {"Resources": user})):
            (self._folder / f"{name}.template.json").write_text(json.dumps(template))
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://{self._cloud.context.account}/us-east-1",
                "properties": {
                    "templateFile": f"{name}.template.json",
                    "terminationProtection": protected and name == "base",
                },
                "dependencies": ["base"] if name == "user" else [],
            }
        manifest = {"version": "36.0.0", "artifacts": artifacts}
        (self._folder / "manifest.json").write_text(json.dumps(manifest))

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._cdk, *arguments, "--app", str(self._folder), "--no-notices", "--ci"],
            env={
                **os.environ,
                **self._cloud.context.environ,
                "CDK_DISABLE_CLI_TELEMETRY": "true",
                "HOME": str(self._folder),
            },
            cwd=self._folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )


@pytest.fixture
def assembly(tmp_path: Path, repository_root: Path, cloud: CloudUnderTest) -> Assembly:
    return Assembly(tmp_path, repository_root, cloud)


def test_deploy_change_fail_and_destroy(assembly: Assembly, cloud: CloudUnderTest) -> None:
    imported = {"Fn::ImportValue": "base:P"}
    assembly.write({"Q": _parameter(imported)}, protected=True)
    deployed = assembly.cdk("deploy", "--all", "--require-approval", "never")
    assert deployed.returncode == 0, deployed.stdout
    assert sorted(cloud.service.live_stacks()) == ["base", "user"]
    assert cloud.finish("base")["EnableTerminationProtection"]

    refused = {"R": _parameter("x", Name="aws-refused"), "Q": _parameter("changed")}
    assembly.write(refused, protected=True)
    failed = assembly.cdk("deploy", "user", "--require-approval", "never")
    assert failed.returncode == 1, failed.stdout
    assert 'can\'t be prefixed with "aws"' in failed.stdout
    assert cloud.finish("user")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    assembly.write({"Q": _parameter(imported), "V": {"Type": "AWS::EC2::VPC"}})
    unknown = assembly.cdk("deploy", "--all", "--require-approval", "never")
    assert unknown.returncode == 1, unknown.stdout
    assert "not modelled by this embedded cloud; used by V (AWS::EC2::VPC)" in unknown.stdout

    assembly.write({"Q": _parameter(imported)})
    destroyed = assembly.cdk("destroy", "--all", "--force")
    assert destroyed.returncode == 0, destroyed.stdout
    assert cloud.service.live_stacks() == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_diff_shows_a_replacement_and_touches_nothing(
    assembly: Assembly, cloud: CloudUnderTest
) -> None:
    template = {"Resources": {"Q": _parameter("1", Name="old")}}
    cloud.create("user", template)
    assembly.write({"Q": _parameter("1", Name="new")})

    diff = assembly.cdk("diff", "user", "--exclusively")

    assert diff.returncode == 0, diff.stdout
    assert "(requires replacement)" in diff.stdout
    assert "Could not create a change set" not in diff.stdout
    assert cloud.finish("user")["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.cloudformation.list_change_sets(StackName="user")["Summaries"] == []
