"""What people do with a stage over its life, by the real CDK CLI: diff, change, repeat, remove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import numpy as np
import pytest

from hpc.http_session import retrying_session
from hpc.outputs import read_deployment
from hpc.signing import ExecuteApiAuth
from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.residue import bootstrap_resources, difference, snapshot


@dataclass
class Workbench:
    """A cloud, and assemblies of the app synthesized before and after a change."""

    cloud: Cloud
    cdk: CdkCli
    original: Path
    changed: Path

    def left(self, before) -> list[str]:
        after = snapshot(self.cloud.context, self.cloud.functions, self.cloud.cloudformation)
        bootstrap = bootstrap_resources(self.cloud.context)
        return [str(leftover) for leftover in difference(before, after, bootstrap)]


def _name_of_first_class() -> str:
    """What the deployed model calls an all-black picture's class, through the API."""
    deployment = read_deployment("dev")
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    with retrying_session(ExecuteApiAuth(credentials, region=deployment.region)) as session:
        picture = np.zeros((1, 28, 28), dtype=np.uint8).tolist()
        answer = session.post(f"{deployment.api_url}/classify", json={"pixels": picture})
    assert answer.ok, answer.text
    name: str = answer.json()["predictions"][0]["name"]
    return name


@pytest.fixture
def workbench(assembly: Path, checkout: Path, tmp_path: Path) -> Iterator[Workbench]:
    with Cloud() as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environ.items():
            patch.setenv(name, value)
        cdk = CdkCli(environ=cloud.environ, app_dir=checkout)
        changed = tmp_path / "changed"
        labels = checkout / "lambda_src" / "shpc_core" / "labels.py"
        text = labels.read_text()
        labels.write_text(text + "\nCLASS_NAMES = tuple(f'new {name}' for name in CLASS_NAMES)\n")
        cdk.synth(changed)
        cdk.bootstrap(assembly)
        yield Workbench(cloud, cdk, assembly, changed)


def test_a_stage_is_changed_repeated_removed_and_made_again(workbench: Workbench) -> None:
    cloud = workbench.cloud
    before = snapshot(cloud.context, cloud.functions, cloud.cloudformation)

    workbench.cdk.deploy(workbench.original)
    old_name = _name_of_first_class()
    assert "no differences" in workbench.cdk.diff(workbench.original)
    assert "no changes" in workbench.cdk.deploy(workbench.original)

    difference_shown = workbench.cdk.diff(workbench.changed)
    assert "AWS::Lambda::Function" in difference_shown
    assert "AWS::S3::Bucket" not in difference_shown

    workbench.cdk.deploy(workbench.changed)
    assert _name_of_first_class() == f"new {old_name}"

    workbench.cdk.destroy(workbench.changed)
    assert workbench.left(before) == []

    workbench.cdk.deploy(workbench.original)
    assert _name_of_first_class() == old_name
    workbench.cdk.destroy(workbench.original)
    assert workbench.left(before) == []
