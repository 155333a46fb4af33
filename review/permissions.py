"""Who may do what on what, one line each, in words.

It decides how a statement reads: the actions of one role on one resource together, plain words for
the actions that occur here, the action itself for any other. A `*` comes with its reason, or is
said to have none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.assembly import Assembly, as_list
from review.intrinsics import Names
from stacks.checks.unbounded import UNBOUNDED

_WORDS = {
    "s3:GetObject": "read objects",
    "s3:PutObject": "write objects",
    "s3:ListBucket": "list objects",
    "s3:ListMultipartUploadParts": "see its own uploads",
    "s3:AbortMultipartUpload": "give up its own uploads",
    "lambda:InvokeFunction": "call",
    "states:StartExecution": "start",
    "states:DescribeExecution": "look at executions",
    "states:DescribeMapRun": "look at map runs",
    "states:ListMapRuns": "list map runs",
    "states:ListExecutions": "list a map run's executions",
    "states:RedriveExecution": "redrive executions",
    "states:StopExecution": "stop executions",
    "logs:CreateLogStream": "write a log",
    "logs:PutLogEvents": "write a log",
    "logs:DescribeLogStreams": "write a log",
    "logs:CreateLogDelivery": "set up log delivery",
    "logs:DeleteLogDelivery": "set up log delivery",
    "logs:DescribeLogGroups": "set up log delivery",
    "logs:DescribeResourcePolicies": "set up log delivery",
    "logs:GetLogDelivery": "set up log delivery",
    "logs:ListLogDeliveries": "set up log delivery",
    "logs:PutResourcePolicy": "set up log delivery",
    "logs:UpdateLogDelivery": "set up log delivery",
    "xray:GetSamplingRules": "ask what to trace",
    "xray:GetSamplingTargets": "ask what to trace",
    "xray:PutTelemetryRecords": "send traces",
    "xray:PutTraceSegments": "send traces",
    "sns:Publish": "notify",
    "sqs:SendMessage": "send messages",
    "batch:SubmitJob": "submit jobs",
    "ecr:BatchCheckLayerAvailability": "pull images",
    "ecr:BatchGetImage": "pull images",
    "ecr:GetDownloadUrlForLayer": "pull images",
    "ecr:GetAuthorizationToken": "sign in to the registry",
}


# Any other operator is shown by its own name.
_SIGNS = {"StringEquals": "=", "ArnEquals": "=", "Bool": "=", "StringLike": "~", "ArnLike": "~"}
NO_REASON = "NO REASON GIVEN"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """`who` may do `words` on `resource`; `reason` where the resource is `*`."""

    who: str
    words: str
    actions: tuple[str, ...]
    resource: str
    denied: bool
    condition: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Trust:
    """`service` may act as `who`, under `condition`."""

    who: str
    service: str
    condition: str


def permissions(assembly: Assembly) -> list[Permission]:
    """Every statement of every role, in the order of their names."""
    names = Names(assembly)
    grouped: dict[tuple[str, str, bool, str, str], set[str]] = defaultdict(set)
    for who, stack, statement in _statements(assembly, names):
        denied = statement["Effect"] == "Deny"
        condition = condition_text(statement, stack, names)
        for resource in as_list(statement["Resource"]):
            for action in as_list(statement["Action"]):
                reason = unbounded_reason(action) if resource == "*" else ""
                grouped[who, names.text(stack, resource), denied, condition, reason].add(action)
    return [
        Permission(
            who=who,
            words=", ".join(dict.fromkeys(_WORDS.get(one, one) for one in sorted(actions))),
            actions=tuple(sorted(actions)),
            resource=resource,
            denied=denied,
            condition=condition,
            reason=reason,
        )
        for (who, resource, denied, condition, reason), actions in sorted(grouped.items())
    ]


def trusts(assembly: Assembly) -> list[Trust]:
    """Who may act as which role."""
    names = Names(assembly)
    return [
        Trust(
            who=names.of(key).removesuffix("/Role"),
            service=names.text(key.partition("/")[0], principal),
            condition=condition_text(statement, key.partition("/")[0], names),
        )
        for key, role in sorted(assembly.resources("AWS::IAM::Role").items())
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for principal in principals(statement)
    ]


def principals(statement: Mapping[str, Any]) -> list[Any]:
    """Whom a statement is about: the values under `Principal`, whatever their kind."""
    principal = statement["Principal"]
    if isinstance(principal, str):
        return [principal]
    return [one for values in principal.values() for one in as_list(values)]


def condition_text(statement: Mapping[str, Any], stack: str, names: Names) -> str:
    """The conditions of a statement as `key = value`, or nothing."""
    return ", ".join(
        f"{key} {_SIGNS.get(operator, operator)} "
        + " or ".join(names.text(stack, value) for value in as_list(values))
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _statements(assembly: Assembly, names: Names) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(role, stack, statement): a policy's statement once for each role that has it."""
    holders = {
        key: [
            names.text(key.partition("/")[0], role).strip("<>").removesuffix("/Role")
            for role in properties["Roles"]
        ]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for key, resource in assembly.resources(kind).items()
        if (properties := resource["Properties"]).get("Roles")
    }
    for key, statement in assembly.role_statements():
        for who in holders.get(key, [names.of(key).removesuffix("/Role")]):
            yield who, key.partition("/")[0], statement


def unbounded_reason(action: str) -> str:
    """Why `action` may stand on `*`."""
    reasons = [entry.reason for entry in UNBOUNDED if action in entry.actions]
    return "; ".join(reasons) or NO_REASON
