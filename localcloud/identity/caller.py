"""The identity a request is made by, as IAM and STS name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What stands behind a request; it decides which policies count."""

    DEPLOYER = "deployer"  # the keys this cloud prints: may do everything, like a root user
    USER = "user"
    ROLE = "role"
    SERVICE = "service"  # AWS itself on a resource's behalf; resource policies alone count
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Caller:
    """`arn` as sts:GetCallerIdentity gives it (of a role: its session's), "" when anonymous.

    `principal_arn` names the IAM user or role whose policies count: for a session of a role that is
    the role. A service has its name there, such as "apigateway.amazonaws.com".
    """

    kind: Kind
    account: str
    arn: str
    principal_arn: str
    access_key_id: str = ""
