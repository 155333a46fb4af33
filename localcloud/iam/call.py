"""What a request asks for in IAM's terms: an action, a resource, and keys that belong to both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KeyValues = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Call:
    """One action on one resource. `keys` are condition keys of this call alone."""

    action: str
    resource: str
    keys: KeyValues = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """Where resources are: what ARNs are made of."""

    number: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"


class NotModelledError(Exception):
    """Nobody here knows which permission the operation needs; the message names it."""
