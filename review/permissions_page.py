"""docs/permissions.md: what is written there by hand, and what is written there from the templates.

It decides that everything below the mark comes from the templates of prod with the baseline, the
widest variant, and from the table of what stands on `*`. `make snapshots` writes it; a test fails
where it is not what the templates say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from review.assembly import Assembly
from review.permissions import permissions, trusts
from review.show import table
from stacks.checks.unbounded import UNBOUNDED

PAGE = Path(__file__).parents[1] / "docs/permissions.md"
VARIANT = "prod-baseline"
MARK = "<!-- written by `make snapshots` from here on -->"


def renewed(text: str, assembly: Assembly) -> str:
    """The page `text` with what comes from `assembly` brought up to date.

    Raises ValueError where the mark is missing: everything above it is somebody's writing.
    """
    by_hand, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE.name} has no line {MARK!r}")
    return "\n".join([by_hand + MARK, "", *_lines(assembly), ""])


def _lines(assembly: Assembly) -> Iterator[str]:
    yield "## On everything (`*`)"
    yield ""
    yield from table(
        ("actions", "why", "source"),
        ((", ".join(sorted(entry.actions)), entry.reason, entry.source) for entry in UNBOUNDED),
    )
    yield ""
    yield "## Role by role"
    yield ""
    yield from table(
        ("role", "may", "on", "only when", "actions"),
        (
            (one.who, one.words, one.resource, one.condition, ", ".join(one.actions))
            for one in permissions(assembly)
        ),
    )
    yield ""
    yield "## Who may act as a role"
    yield ""
    yield from table(
        ("role", "service", "when"),
        ((one.who, one.service, one.condition) for one in trusts(assembly)),
    )
