"""What a plan consists of: changes of resources, and of which of their properties.

Only shapes: which changes there are is found by `planning`, what the API shows of them by
`api/describing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PropertyChange:
    """One top-level property that differs, or one other attribute (Metadata, Tags, a policy).

    `before` and `after` are evaluated values, None where there is none; parts of `after` may be
    unknown.
    """

    attribute: str
    name: str | None
    requires_recreation: str
    dynamic: bool
    direct: bool
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class ResourceChange:
    """What would happen to one resource; `replacement` is set for Modify only.

    `before` and `after` are its evaluated properties, None where there is no such side.
    """

    action: str
    logical_id: str
    type: str
    physical_id: str | None = None
    replacement: str | None = None
    policy_action: str | None = None
    details: tuple[PropertyChange, ...] = ()
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Top-level properties that differ between two evaluated sets of properties."""
    return frozenset(name for name in {*old, *new} if old.get(name) != new.get(name))
