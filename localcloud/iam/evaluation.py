"""Whether policies allow a caller to do something, as AWS evaluates a request within one account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
Service and resource control policies belong to organizations, of which there is none here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localcloud.iam.documents import Policy, Statement
from localcloud.iam.patterns import Context
from localcloud.iam.principals import Meant
from localcloud.identity.caller import Caller, Kind

IDENTITY, RESOURCE = "identity-based policy", "resource-based policy"
BOUNDARY, SESSION = "permissions boundary", "session policy"
TRUST = "role trust policy"


@dataclass(frozen=True)
class Held:
    """The policies that come with a caller; a limit that is None does not limit."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of a resource. A `required` one must take part in allowing, as a role's trust."""

    policy: Policy
    required: bool = False
    policy_type: str = RESOURCE


NO_POLICY = ResourcePolicy(Policy(denying=(), allowing=()))


@dataclass(frozen=True)
class Verdict:
    """`policy_type` is the kind of policy that denied, by a statement (`explicit`) or by none."""

    allowed: bool
    explicit: bool = False
    policy_type: str = ""


ALLOWED = Verdict(allowed=True)


def evaluate(
    caller: Caller,
    action: str,
    resource: str,
    context: Context,
    *,
    held: Held,
    of_resource: ResourcePolicy,
) -> Verdict:
    """The verdict on one action on one resource.

    An explicit deny anywhere wins. Otherwise the union of the caller's own and the resource's
    policies must allow it, within the boundary and the session's policy; a resource's policy that
    names the user or the session itself is bounded by neither.
    """

    def about(statements: Iterable[Statement]) -> bool:
        return any(statement.applies(action, resource, context) for statement in statements)

    for policy_type, policies in _kinds(held):
        if any(about(policy.denying) for policy in policies):
            return Verdict(allowed=False, explicit=True, policy_type=policy_type)
    policy = of_resource.policy
    if _meant(policy.denying, caller, action, resource, context) is not Meant.NOT:
        return Verdict(allowed=False, explicit=True, policy_type=of_resource.policy_type)
    granted = _meant(policy.allowing, caller, action, resource, context)
    if of_resource.required and granted is Meant.NOT:
        return Verdict(allowed=False, policy_type=of_resource.policy_type)
    if granted is Meant.ITSELF or caller.kind is Kind.DEPLOYER:
        return ALLOWED
    if caller.kind in (Kind.SERVICE, Kind.ANONYMOUS):
        return Verdict(allowed=False, policy_type=RESOURCE)
    if granted is not Meant.BY_ROLE and not any(about(policy.allowing) for policy in held.identity):
        return Verdict(allowed=False, policy_type=IDENTITY)
    for policy_type, limit in ((BOUNDARY, held.boundary), (SESSION, held.session)):
        if limit is not None and not about(limit.allowing):
            return Verdict(allowed=False, policy_type=policy_type)
    return ALLOWED


def _kinds(held: Held) -> Iterable[tuple[str, tuple[Policy, ...]]]:
    yield IDENTITY, held.identity
    if held.boundary is not None:
        yield BOUNDARY, (held.boundary,)
    if held.session is not None:
        yield SESSION, (held.session,)


def _meant(
    statements: Iterable[Statement], caller: Caller, action: str, resource: str, context: Context
) -> Meant:
    closest = Meant.NOT
    for statement in statements:
        if statement.principals is None:
            continue
        meant = statement.principals.meaning(caller)
        if meant > closest and statement.applies(action, resource, context):
            closest = meant
    return closest
