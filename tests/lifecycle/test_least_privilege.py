"""The product's roles have what a job takes, and what they have besides is explained here.

https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
The templates are deployed by the CDK CLI with bootstrap's own roles, whose policies are enforced
like all others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.iam.models import iam_backends

from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.iam.context import RequestContext
from localcloud.iam.decisions import Decision
from localcloud.iam.documents import parsed
from localcloud.iam.patterns import resource_pattern

ROOT = Path(__file__).parents[2]
ROLE = re.compile(r"shpc-dev-\w+?-(?P<name>[A-Z][a-z]+)Role")

# Granted, and not asked for by one job that succeeds on the embedded cloud.
_LOG_LINES = {"logs:CreateLogStream", "logs:PutLogEvents"}  # Lambda writes them for the function
_DELIVERY = {  # Step Functions delivers its log with the role, once for all executions
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
_MAP = {  # of a map that is stopped, redriven, or writes more than one part
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "states:DescribeExecution",
    "states:RedriveExecution",
    "states:StopExecution",
}
EXPLAINED = {
    "Plan": _LOG_LINES,
    "Classify": _LOG_LINES,
    "Reduce": _LOG_LINES,
    "Predict": _LOG_LINES,  # a job never asks it
    # Which child of a failed map was the first, and its redrive: tests/e2e/test_redrive.py
    "Jobs": _LOG_LINES | {"states:ListExecutions", "states:RedriveExecution"},
    "machine": _DELIVERY | _MAP,
}


@pytest.fixture(scope="module")
def used(
    assembly: Path, tmp_path_factory
) -> Iterator[tuple[list[Decision], dict[str, dict[str, list[str]]]]]:
    """The decisions of a deploy, a job and a destroy, and the grants of the product's roles."""
    folder = tmp_path_factory.mktemp("least-privilege")
    with Cloud() as cloud:
        cdk = CdkCli(environ=cloud.environ)
        cdk.bootstrap(assembly)
        cdk.deploy(assembly)
        command = [sys.executable, "-m", "hpc", "run", "--stage", "dev", "--out", str(folder)]
        environ = {**os.environ, **cloud.environ}
        subprocess.run(command, check=True, cwd=ROOT, env=environ)
        grants = _grants(cloud)
        cdk.destroy(assembly)
        yield cloud.gate.decisions(), grants


def _grants(cloud: Cloud) -> dict[str, dict[str, list[str]]]:
    """Of each role of the product, by its ARN: the resources of each action that it is granted."""
    grants: dict[str, dict[str, list[str]]] = {}
    roles: Any = iam_backends[cloud.context.account]["aws"].roles
    for role in roles.values():
        if ROLE.match(role.name) is None:
            continue
        of_role = grants.setdefault(role.arn, {})
        for text in role.policies.values():
            for statement in parsed(text).allowing:
                actions, resources = statement.source["Action"], statement.source["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    listed = [resources] if isinstance(resources, str) else resources
                    of_role.setdefault(action, []).extend(listed)
    return grants


def _name(role_arn: str) -> str:
    role = role_arn.rpartition("/")[2]
    found = ROLE.match(role)
    assert found is not None
    return "machine" if "-workflow-" in role else found["name"]


def test_nothing_that_was_asked_for_was_denied(used):
    decisions, _ = used
    assert [each for each in decisions if not each.allowed] == []


def test_every_grant_is_used_or_explained(used):
    decisions, grants = used
    assert {_name(role) for role in grants} == set(EXPLAINED)
    unused = {
        _name(role): {
            action
            for action, patterns in of_role.items()
            if not any(_uses(each, role, action, patterns) for each in decisions)
        }
        for role, of_role in grants.items()
    }
    assert unused == EXPLAINED


def _uses(decision: Decision, role: str, action: str, patterns: list[str]) -> bool:
    nothing = RequestContext({})
    return (decision.principal, decision.action) == (role, action) and any(
        resource_pattern(pattern, variables=False)(decision.resource, nothing)
        for pattern in patterns
    )


def _unnamed(pattern: str) -> str:
    """A resource without the names that CloudFormation gave."""
    machine = re.sub(r":execution:.*?/", ":execution:<machine>/", pattern)
    return re.sub(r":::.*?/", ":::<bucket>/", machine)


def test_every_resource_that_a_role_may_read_or_write_is_one_it_does(used):
    decisions, grants = used
    idle = [
        (_name(role), action, _unnamed(pattern))
        for role, of_role in grants.items()
        for action, patterns in of_role.items()
        if action not in EXPLAINED[_name(role)]
        for pattern in patterns
        if not any(_uses(each, role, action, [pattern]) for each in decisions)
    ]
    assert sorted(idle) == [
        # A child is looked up only in a job that failed.
        (
            "Jobs",
            "states:DescribeExecution",
            "arn:aws:states:us-east-1:123456789012:execution:<machine>/*",
        ),
        # AWS's policy for writers reads what it wrote, where it was uploaded in parts.
        # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        ("machine", "s3:GetObject", "arn:aws:s3:::<bucket>/jobs/*/map/*"),
        # A failure is recorded where there is one: tests/e2e/test_redrive.py
        ("machine", "s3:PutObject", "arn:aws:s3:::<bucket>/jobs/*/failures/*"),
    ]
