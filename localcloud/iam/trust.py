"""Whether a service may assume the role that it is given, asked when it is given it.

Lambda and Step Functions refuse a role that does not trust them when a function or a state machine
is made or changed:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from localcloud.iam.call import Account, Call
from localcloud.identity.caller import Caller, Kind
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
}
Allowed = Callable[[Caller, Call], bool]


def service(principal: str, account: Account) -> Caller:
    """A service of AWS as a caller, such as `lambda.amazonaws.com`."""
    return Caller(Kind.SERVICE, account.number, principal, principal)


def check_passed_roles(calls: Iterable[Call], account: Account, allowed: Allowed) -> None:
    """Raises Refused for a role, among `calls`, that does not trust the service it is passed to."""
    for call in calls:
        if call.action != "iam:PassRole":
            continue
        principal = str(call.keys["iam:PassedToService"])
        assume = Call("sts:AssumeRole", call.resource)
        if principal in _REFUSALS and not allowed(service(principal, account), assume):
            code, message = _REFUSALS[principal]
            raise Refused(code, message, 400)
