"""The AwsSolutions rules run in every synthesis; here they are shown to bite."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.checks.nag import acknowledge, acknowledge_wildcard, add_nag
from tests.stacks.synthesized import Synthesized

REASON = "a test"
# The state machine's own construct: its resource, its role, that role's policies.
WIDEST = {"Workflow/Classify": 4}


@pytest.fixture
def app(tmp_path: Path) -> cdk.App:
    """An app with the rules on."""
    app = cdk.App(outdir=str(tmp_path))
    add_nag(app)
    return app


def findings(app: cdk.App) -> set[str]:
    """The rules that `app` breaks, from the report that stopped its synthesis, if one did."""
    with contextlib.suppress(RuntimeError):
        app.synth()
    report = json.loads(Path(app.outdir, "validation-report.json").read_text())
    return {
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
    }


def closed_bucket(scope: cdk.Stack) -> s3.Bucket:
    """A bucket without a finding but the missing access log."""
    return s3.Bucket(
        scope,
        "Bucket",
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    )


def reader(scope: cdk.Stack, arn: str) -> iam.Policy:
    """A role that may read `arn`."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    policy = iam.Policy(scope, "Policy", roles=[role])
    policy.add_statements(iam.PolicyStatement(actions=["s3:GetObject"], resources=[arn]))
    return policy


def acknowledged(stage: Synthesized) -> dict[tuple[str, str], str]:
    """(construct path, finding) -> reason, of every acknowledgement in an assembly."""
    found = {}
    for stack in stage.stacks:
        metadata = json.loads((stage.folder / f"{stack}.metadata.json").read_text())
        for path, entries in metadata.items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    found |= {(path.strip("/"), key): why for key, why in entry["data"].items()}
    return found


def test_no_variant_has_a_finding(every: Synthesized) -> None:
    report = json.loads((every.folder / "validation-report.json").read_text())
    plugins = {plugin["pluginName"]: plugin["violations"] for plugin in report["pluginReports"]}
    assert plugins == {"AwsSolutions": []}


def test_acknowledgement_stands_on_one_construct_and_no_stack(every: Synthesized) -> None:
    """On a stack or the app it would cover whatever is added next."""
    paths = {path for path, _ in acknowledged(every)}
    assert paths
    assert not paths & {"", *every.stacks}
    # One on a parent covers all that is in it: a bucket with its policy and who empties it.
    covered = dict.fromkeys(paths, 0)
    for resource in every.resources().values():
        own = resource["Metadata"]["aws:cdk:path"]
        for path in paths:
            covered[path] += own.startswith(f"{path}/") or own == path
    assert {path: count for path, count in covered.items() if count > WIDEST.get(path, 3)} == {}


def test_acknowledgement_gives_a_reason_of_substance(every: Synthesized) -> None:
    for (path, finding), reason in acknowledged(every).items():
        assert len(reason.split()) >= 8, f"{path} {finding}: {reason}"
        assert "false positive" not in reason.lower(), path


def test_acknowledgement_without_a_finding_is_none(every: Synthesized) -> None:
    """One that nothing needs any more would cover the next thing that is added there."""
    report = json.loads((every.folder / "validation-report.json").read_text())
    needed = {
        (one["acknowledgedAt"].strip("/"), one["acknowledgedId"])
        for plugin in report["pluginReports"]
        for one in plugin["suppressedViolations"]
    }
    assert set(acknowledged(every)) == needed


def test_finding_stops_the_synthesis(app: cdk.App) -> None:
    s3.Bucket(cdk.Stack(app, "Test"), "Bucket")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


def test_acknowledged_finding_is_accepted_on_its_construct_alone(app: cdk.App) -> None:
    bucket = closed_bucket(cdk.Stack(app, "Test"))
    acknowledge(bucket, "AwsSolutions-S1", reason=REASON)
    assert findings(app) == set()


def test_acknowledgement_of_one_bucket_is_not_one_of_another(app: cdk.App) -> None:
    acknowledge(closed_bucket(cdk.Stack(app, "First")), "AwsSolutions-S1", reason=REASON)
    closed_bucket(cdk.Stack(app, "Second"))
    assert findings(app) == {"AwsSolutions-S1"}


def test_wildcard_is_acknowledged_in_the_stack_of_the_bucket(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Test")
    bucket = closed_bucket(stack)
    acknowledge(bucket, "AwsSolutions-S1", reason=REASON)
    arn = bucket.arn_for_objects("inputs/*")
    acknowledge_wildcard(reader(stack, arn), arn, reason=REASON)
    assert findings(app) == set()


def test_wildcard_is_acknowledged_in_another_stack(app: cdk.App) -> None:
    bucket = closed_bucket(cdk.Stack(app, "Owner"))
    acknowledge(bucket, "AwsSolutions-S1", reason=REASON)
    arn = bucket.arn_for_objects("inputs/*")
    acknowledge_wildcard(reader(cdk.Stack(app, "Reader"), arn), arn, reason=REASON)
    assert findings(app) == set()


def test_acknowledged_wildcard_covers_no_other_prefix(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Test")
    bucket = closed_bucket(stack)
    acknowledge(bucket, "AwsSolutions-S1", reason=REASON)
    policy = reader(stack, bucket.arn_for_objects("*"))
    acknowledge_wildcard(policy, bucket.arn_for_objects("inputs/*"), reason=REASON)
    (finding,) = findings(app)
    assert finding.startswith("AwsSolutions-IAM5[Resource::<Bucket")
    assert finding.endswith(".Arn>/*]")
