"""Every statement of every policy, walked: identities, trust, and the resources' own policies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest

from review.permissions import permissions, principals, trusts
from review.permissions_page import PAGE, VARIANT, renewed
from review.variants import MATRIX
from stacks.checks.unbounded import UNBOUNDED, Unbounded
from tests.stacks.synthesized import Synthesized, as_list, as_text

_READ = ("Get", "List", "Describe", "BatchGet", "BatchCheck", "Discover")
_LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
_TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}

# Role -> what it may change, besides its log and its traces; each because nothing less would do.
WRITES = {
    "Api/Jobs": {"states:StartExecution", "states:RedriveExecution"},
    "Baseline/Classify": {"s3:PutObject"},
    "Baseline/Classify/ExecutionRole": set(),
    "Baseline/Network/FlowsRole": set(),
    # The ECS agent's own protocol: it registers its machine, reports on tasks, and goes.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html
    "Baseline/Pool": {
        "ecs:DeregisterContainerInstance",
        "ecs:Poll",
        "ecs:RegisterContainerInstance",
        "ecs:StartTelemetrySession",
        "ecs:SubmitAttachmentStateChanges",
        "ecs:SubmitContainerStateChange",
        "ecs:SubmitTaskStateChange",
        "ecs:TagResource",
        "ecs:UpdateContainerInstancesState",
    },
    "Functions/Classify": {"s3:PutObject"},
    "Functions/Plan": {"s3:PutObject"},
    "Functions/Predict": set(),
    "Functions/Reduce": {"s3:PutObject"},
    "Storage/Custom::S3AutoDeleteObjectsCustomResourceProvider": set(),
    "Workflow/Classify": {
        "lambda:InvokeFunction",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "s3:AbortMultipartUpload",  # what a map wrote of its record, where it is stopped half-way
        "s3:PutObject",
        "states:RedriveExecution",  # a redrive of the job is one of its maps
        "states:StartExecution",
        "states:StopExecution",
    },
}
# Services whose pages say for whom they ask: their roles are bound to this account.
# Lambda and EC2 are given a role by iam:PassRole, which never crosses accounts, and document no
# such key; of the task execution role ECS's page says nothing.
BOUND = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    "states.amazonaws.com",
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    "vpc-flow-logs.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    "ecs-tasks.amazonaws.com",
}
UNBOUND_SERVICES = {"lambda.amazonaws.com", "ec2.amazonaws.com"}
UNBOUND_ROLES = {"Baseline/Classify/ExecutionRole"}

# Batch makes the cluster, and names it and its machines, when a job runs.
WIDE = {
    ("Baseline/Pool", "ecs:cluster/*"),
    ("Baseline/Pool", "ecs:container-instance/*"),
}

Variants = Callable[[str], Synthesized]


def resource_statements(stage: Synthesized) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of a policy that belongs to a resource and not to an identity."""
    for name, resource in stage.resources().items():
        properties = resource.get("Properties", {})
        for key in ("PolicyDocument", "KeyPolicy"):
            if key in properties and resource["Type"] != "AWS::IAM::Policy":
                yield from ((name, statement) for statement in properties[key]["Statement"])


def test_every_star_has_a_reason(every: Synthesized) -> None:
    for name, statement in every.role_statements():
        if "*" in as_list(statement["Resource"]):
            for action in as_list(statement["Action"]):
                assert any(action in entry.actions for entry in UNBOUNDED), f"{name}: {action}"


def test_machines_tag_themselves_and_only_while_they_register(variants: Variants) -> None:
    tagging = [
        statement
        for variant in MATRIX
        for _, statement in variants(variant).role_statements()
        if "ecs:TagResource" in as_list(statement["Action"])
    ]
    assert tagging
    for statement in tagging:
        registering = {"StringEquals": {"ecs:CreateAction": "RegisterContainerInstance"}}
        assert statement.get("Condition") == registering


def test_every_reason_is_needed(variants: Variants) -> None:
    granted = {
        action
        for variant in MATRIX
        for _, statement in variants(variant).role_statements()
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert {action for entry in UNBOUNDED for action in entry.actions} == granted


@pytest.mark.parametrize("entry", UNBOUNDED, ids=lambda entry: min(entry.actions))
def test_nothing_stands_on_a_star_that_aws_lets_us_bound(entry: Unbounded) -> None:
    """AWS's own table of actions and their resource types, as cfn-lint ships it.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    table = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text()
    services = json.loads(table)
    for action in entry.actions:
        service, _, name = action.partition(":")
        assert services[service]["Actions"][name.lower()].get("Resources", []) == [], action
    assert len(entry.reason.split()) >= 8
    assert entry.source.startswith("https://docs.aws.amazon.com/")


def test_no_role_takes_a_managed_policy(every: Synthesized) -> None:
    for name, role in every.resources("AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in role["Properties"], name
    assert not every.resources("AWS::IAM::ManagedPolicy")


def test_no_statement_of_a_role_is_turned_round(every: Synthesized) -> None:
    """NotAction, NotResource and Deny say what is not meant; the rest is whatever AWS adds."""
    for name, statement in every.role_statements():
        assert statement["Effect"] == "Allow", name
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), name


def test_no_action_of_a_role_is_a_wildcard(every: Synthesized) -> None:
    for name, statement in every.role_statements():
        assert not [action for action in as_list(statement["Action"]) if "*" in action], name


def test_wildcard_stands_within_something_of_ours(every: Synthesized) -> None:
    """Behind a bucket's prefix or a machine's name; never behind a type of resource alone."""
    wide = set()
    for one in permissions(every):
        bounded_by = one.resource.split("*")[0]
        if "*" in one.resource and one.resource != "*" and "<" not in bounded_by:
            wide.add((one.who, one.resource))
    assert wide == (WIDE if "Baseline" in every.stacks else set())


def test_no_role_writes_where_a_read_is_enough(every: Synthesized) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for one in permissions(every):
        found[one.who] |= {
            action for action in one.actions if not action.partition(":")[2].startswith(_READ)
        }
    writes = {who: actions - _LOG - _TRACES for who, actions in found.items()}
    assert writes == {who: WRITES[who] for who in found}


def test_every_line_of_writers_is_a_role(variants: Variants) -> None:
    roles = {one.who for variant in MATRIX for one in permissions(variants(variant))}
    assert set(WRITES) == roles


def test_every_role_is_one_service_s_and_of_this_account(every: Synthesized) -> None:
    for name, role in every.resources("AWS::IAM::Role").items():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Effect"] == "Allow", name
        assert statement["Action"] == "sts:AssumeRole", name
        assert list(statement["Principal"]) == ["Service"], name
    for trust in trusts(every):
        service = trust.service.replace("<URLSuffix>", "amazonaws.com")
        if service in UNBOUND_SERVICES or trust.who in UNBOUND_ROLES:
            assert trust.condition == "", trust.who
            continue
        assert service in BOUND, trust.who
        assert "aws:SourceAccount = <AccountId>" in trust.condition, trust.who
        assert "aws:SourceArn ~ " in trust.condition, trust.who


def test_no_resource_is_open_to_a_wildcard_principal(every: Synthesized) -> None:
    for name, statement in resource_statements(every):
        if statement["Effect"] == "Allow":
            for principal in map(as_text, principals(statement)):
                assert "*" not in principal, name


def test_service_is_let_at_a_resource_for_this_account_only(every: Synthesized) -> None:
    for name, statement in resource_statements(every):
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
            tests = statement.get("Condition", {})
            keys = {key for values in tests.values() for key in values}
            assert "aws:SourceAccount" in keys, name
            assert "aws:SourceArn" in keys, name


def test_wildcard_actions_of_a_resource_s_policy_are_these(every: Synthesized) -> None:
    """A Deny covers all; a key's owner is its account, as KMS's default policy has it.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    The function that empties buckets has CDK's own statement on each bucket.
    """
    found = {
        (name.partition("/")[0], action)
        for name, statement in resource_statements(every)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        if "*" in action
    }
    assert found == (
        {("Storage", "s3:GetBucket*"), ("Storage", "s3:List*"), ("Storage", "s3:DeleteObject*")}
        if every.stage == "dev"
        else {("Monitoring", "kms:*"), ("Monitoring", "kms:GenerateDataKey*")}
    )


def test_permissions_page_is_what_the_templates_say(variants: Variants) -> None:
    text = PAGE.read_text()
    assert text == renewed(text, variants(VARIANT)), "make snapshots writes it anew"
    for entry in UNBOUNDED:
        assert entry.source in text
