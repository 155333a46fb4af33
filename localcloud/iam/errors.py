"""What is said when a call is not allowed, and when a policy cannot be read.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from localcloud.iam.evaluation import Verdict
from localcloud.identity.caller import Caller
from localcloud.identity.errors import Refused

# What a service calls it when its protocol is XML; elsewhere it is AccessDeniedException.
_XML_SERVICES = frozenset(("s3", "sts", "iam", "cloudformation", "sns"))
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_OWN_CODES = {"ec2": "UnauthorizedOperation"}
# Services with a JSON protocol over RPC answer 400:
# https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
_RPC_SERVICES = frozenset(
    ("states", "logs", "ecr", "ssm", "kms", "application-autoscaling", "monitoring")
)


class AccessDenied(Refused):
    """A caller may not perform an action on a resource; the message says which policy decided."""

    @classmethod
    def by(cls, service: str, message: str) -> AccessDenied:
        """As `service` (by its name in a credential scope) words and numbers it."""
        code = "AccessDenied" if service in _XML_SERVICES else "AccessDeniedException"
        code = _OWN_CODES.get(service, code)
        return cls(code, message, 400 if service in _RPC_SERVICES else 403)


def denial(caller: Caller, action: str, resource: str, verdict: Verdict) -> str:
    """The message, in AWS's words."""
    said = f"{beginning(caller, action)} on resource: {resource}"
    if verdict.explicit:
        article = "an" if verdict.policy_type[0] in "aeiou" else "a"
        return f"{said} with an explicit deny in {article} {verdict.policy_type}"
    return f"{said} because no {verdict.policy_type} allows the {action} action"


def beginning(caller: Caller, action: str) -> str:
    """The message's part that all reasons share."""
    return f"User: {caller.arn or 'anonymous'} is not authorized to perform: {action}"
