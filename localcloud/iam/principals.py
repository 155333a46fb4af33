"""The elements Principal and NotPrincipal: whom a resource's policy means.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from localcloud.iam.policy_error import PolicyError
from localcloud.identity.caller import Caller, Kind

_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?")
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class Meant(IntEnum):
    """How closely a principal names a caller; an Allow counts for more the closer it does."""

    NOT = 0
    BY_ACCOUNT = 1  # the account may go on and grant it by its identity-based policies
    BY_ROLE = 2
    ITSELF = 3


@dataclass(frozen=True)
class Principals:
    """Those that an element names; `everyone` is the bare `*`."""

    everyone: bool
    aws: frozenset[str]
    services: frozenset[str]
    excluding: bool = False

    def meaning(self, caller: Caller) -> Meant:
        """How `caller` is meant. NotPrincipal means each one itself whom it does not name."""
        named = self._named(caller)
        if self.excluding:
            return Meant.ITSELF if named is Meant.NOT else Meant.NOT
        return named

    def _named(self, caller: Caller) -> Meant:
        if self.everyone:
            return Meant.ITSELF
        if caller.kind is Kind.SERVICE:
            return Meant.ITSELF if caller.principal_arn in self.services else Meant.NOT
        if "*" in self.aws:
            return Meant.ITSELF
        if caller.kind is Kind.ANONYMOUS:
            return Meant.NOT
        if caller.arn in self.aws:
            return Meant.ITSELF
        if caller.principal_arn in self.aws:
            return Meant.BY_ROLE if caller.kind is Kind.ROLE else Meant.ITSELF
        return Meant.BY_ACCOUNT if caller.account in self.aws else Meant.NOT


def principals(element: Any, *, excluding: bool) -> Principals:
    """Read the element. Raises PolicyError for a kind of principal that AWS does not know."""
    if element == "*":
        return Principals(True, frozenset(), frozenset(), excluding)
    if not isinstance(element, dict) or not set(element) <= set(_KINDS):
        raise PolicyError(f"Principal {element!r}; allowed: '*', or one of {', '.join(_KINDS)}")
    return Principals(
        False,
        frozenset(_account_or_arn(text) for text in _texts(element.get("AWS", ()))),
        frozenset(_texts(element.get("Service", ()))),
        excluding,
    )


def _texts(value: str | Iterable[str]) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value


def _account_or_arn(text: str) -> str:
    account = _ACCOUNT.fullmatch(text)
    return account[1] if account else text
