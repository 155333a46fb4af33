"""Whether a service may assume the role that it is given, asked when it is given it.

Services refuse a role that does not trust them when a function, a state machine or a stack is made
or changed with it:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from localcloud.iam.call import Account, Call, KeyValues
from localcloud.iam.callers import service
from localcloud.identity.caller import Caller
from localcloud.identity.errors import Refused

_REFUSALS = {
    "lambda.amazonaws.com": (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    "states.amazonaws.com": (
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is "
        "authorized to assume the provided role.",
    ),
    "cloudformation.amazonaws.com": (
        "ValidationError",
        "The role passed to CloudFormation is invalid or cannot be assumed",
    ),
}
Allowed = Callable[[Caller, Call], bool]


def check_passed_roles(calls: Sequence[Call], account: Account, allowed: Allowed) -> None:
    """Raises Refused for a role, among `calls`, that does not trust the service it is passed to.

    The first call is about the resource that is given the role.
    """
    user, *passed = calls or [Call("", "")]
    for call in passed:
        if call.action != "iam:PassRole":
            continue
        principal = str(call.keys["iam:PassedToService"])
        # Whose role it will be: what confused-deputy conditions of trust policies ask about.
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        keys: KeyValues = {"aws:SourceArn": user.resource, "aws:SourceAccount": account.number}
        assume = Call("sts:AssumeRole", call.resource, keys)
        if principal in _REFUSALS and not any(
            allowed(service(name, account.number), assume) for name in _names(principal, account)
        ):
            code, message = _REFUSALS[principal]
            raise Refused(code, message, 400)


def _names(principal: str, account: Account) -> tuple[str, str]:
    """A service by its global and by its regional name; roles may trust either."""
    name, _, domain = principal.partition(".")
    return principal, f"{name}.{account.region}.{domain}"
