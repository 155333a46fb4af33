"""A changed function behind `live`, by the real CDK CLI, invoked as callers do.

A version is a snapshot of code and configuration, and an alias points to one:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.residue import difference, snapshot
from tests.localcloud.cloudformation.assemblies import Assembly
from tests.localcloud.cloudformation.functions import template

CODE = "import os\ndef handler(event, context): return ['{0}', os.environ['REVISION']]\n"
# SSM refuses this name, which only SSM can know: the last resource of a deployment fails.
REFUSED = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Name": "aws-refused", "Type": "String", "Value": "x"},
    "DependsOn": "Live",
}


def revision(name: str, **more: Any) -> dict[str, Any]:
    """The function as CDK writes it: every revision has a version of its own."""
    return template(name, function={"Code": {"ZipFile": CODE.format(name)}}, **more)


def live(cloud: Cloud) -> Any:
    """What the alias answers: which code, with which environment."""
    functions = cloud.context.client("lambda")
    (function,) = functions.list_functions()["Functions"]
    answer = functions.invoke(FunctionName=function["FunctionName"], Qualifier="live")
    return json.loads(answer["Payload"].read())


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


def test_live_changes_code_and_environment_together_or_not_at_all(
    cloud: Cloud, tmp_path: Path
) -> None:
    before = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
    assembly = Assembly(tmp_path, cloud.context)
    assembly.write({"s": revision("A")})
    assert assembly.deploy().code == 0
    assert live(cloud) == ["A", "A"]

    assembly.write({"s": revision("B", Bad=REFUSED)})
    failed = assembly.deploy()
    assert failed.code == 1, failed.said
    assert 'can\'t be prefixed with "aws"' in failed.said
    assert live(cloud) == ["A", "A"]

    assembly.write({"s": revision("B")})
    changed = assembly.deploy()
    assert changed.code == 0, changed.said
    assert live(cloud) == ["B", "B"]

    destroyed = assembly.destroy()
    assert destroyed.code == 0, destroyed.said
    after = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
    # A log group that Lambda made for a function without one of its own stays on AWS as well.
    (left,) = difference(before, after)
    assert "/aws/lambda/s-Function-" in str(left)
