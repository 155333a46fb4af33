"""The AwsSolutions rules of cdk-nag, run by every synthesis.

It decides that a finding stops the synthesis, and that the only way past a rule is to acknowledge
one finding on one construct, with a reason. cdk-nag names a finding about a wildcard by the text of
the ARN; `acknowledge_wildcard` works that text out, so that the reason can stand beside the grant
and no acknowledgement covers more than the one statement it was written for.
"""

from __future__ import annotations

import json
from typing import Any, cast

import aws_cdk as cdk
import jsii
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from stacks.checks.unbounded import Unbounded


def add_nag(app: cdk.App) -> None:
    """Make the synthesis of `app` fail on any finding that is not acknowledged."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())


def acknowledge(construct: IConstruct, rule: str, *, reason: str) -> None:
    """Accept the finding `rule` (such as "AwsSolutions-S1") on `construct`."""
    acknowledgement = cdk.Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason)
    cdk.Validations.of(construct).acknowledge(acknowledgement)


def acknowledge_wildcard(policy: IConstruct, resource: str, *, reason: str) -> None:
    """Accept that a statement of `policy` names `resource`, an ARN with a `*` in it."""
    finding = _flattened(_as_in_template(cdk.Stack.of(policy), resource))
    acknowledge(policy, f"AwsSolutions-IAM5[Resource::{finding}]", reason=reason)


def acknowledge_unbounded(policy: IConstruct, *entries: Unbounded) -> None:
    """Accept that statements of `policy` stand on `*`, for what is listed in unbounded.py."""
    acknowledge_wildcard(policy, "*", reason="; ".join(entry.reason for entry in entries))


@jsii.implements(cdk.ITokenMapper)
class _Imports:
    """References to another stack, replaced by the import that stands for them there."""

    def __init__(self, consumer: cdk.Stack) -> None:
        self._consumer = consumer

    def map_token(self, t: cdk.IResolvable) -> Any:
        if not cdk.Reference.is_reference(t):
            return t
        owner = cdk.Stack.of(cast("cdk.Reference", t).target)
        return t if owner == self._consumer else owner.export_value(t)


def _as_in_template(consumer: cdk.Stack, arn: str) -> Any:
    fragments = cdk.Tokenization.reverse_string(arn)
    return consumer.resolve(fragments.map_tokens(_Imports(consumer)).join(cdk.StringConcat()))


def _flattened(node: Any) -> str:
    """The text by which cdk-nag names `node`: its lib/utils/flatten-cfn-reference.js."""
    match node:
        case str():
            return node.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [delimiter, items]}:
            return str(delimiter).join(map(_flattened, items))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return _flattened(name)
        case {"Ref": name}:
            return f"<{name}>"
    return json.dumps(node, separators=(",", ":"))
