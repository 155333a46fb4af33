"""Callers that sign no request: services of AWS, and what acts for a role within this process."""

from __future__ import annotations

from localcloud.identity.caller import Caller, Kind


def service(principal: str, account: str) -> Caller:
    """A service of AWS, such as `lambda.amazonaws.com`."""
    return Caller(Kind.SERVICE, account, principal, principal)


def session_of(role_arn: str, session_name: str) -> Caller:
    """A session of a role, as STS names it."""
    _, partition, _, _, account, resource = role_arn.split(":", 5)
    role_name = resource.rpartition("/")[2]
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role_name}/{session_name}"
    return Caller(Kind.ROLE, account, arn, role_arn)
