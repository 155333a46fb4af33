"""The stages as they are reviewed: each with the context that makes it.

It decides which syntheses have golden templates (`GOLDEN`) and on which further ones every check of
tests/stacks holds (`MATRIX`). The values of a stage are decided in settings/stages.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One stage and what is overridden of it; `of` is the variant that it is compared with."""

    name: str
    stage: str
    overrides: Mapping[str, object] = field(default_factory=dict)
    of: str | None = None


_BASELINE = {"baseline": True}

GOLDEN = (
    Variant(name="dev", stage="dev"),
    Variant(name="prod", stage="prod"),
    Variant(name="dev-baseline", stage="dev", overrides=_BASELINE, of="dev"),
    Variant(name="prod-baseline", stage="prod", overrides=_BASELINE, of="prod"),
)
_OTHERS = (
    Variant(name="dev-express", stage="dev", overrides={"map_children": "EXPRESS"}),
    Variant(name="dev-arm64", stage="dev", overrides={"architecture": "arm64"}),
    Variant(
        name="prod-email", stage="prod", overrides={**_BASELINE, "alarm_email": "ops@example.org"}
    ),
)
MATRIX: Mapping[str, Variant] = MappingProxyType(
    {variant.name: variant for variant in (*GOLDEN, *_OTHERS)}
)
