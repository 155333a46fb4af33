"""What is said when a call is not allowed, and when a policy cannot be read.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from localcloud.identity.errors import Refused


class PolicyError(ValueError):
    """A policy says something that AWS does not document; the message names it."""


class AccessDenied(Refused):
    """A caller may not perform an action on a resource; the message says which policy decided."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(code, message, status)
