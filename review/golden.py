"""The golden templates: what was reviewed and accepted, under tests/snapshots/<variant>/.

It decides that a variant of another one keeps only the templates that differ from it, so that a
change is one file to read, and that accepting replaces all there is: no file outlives its stack.
Who accepts is not decided here; `make snapshots` does.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path

from review.changes import Change, changes
from review.variants import GOLDEN, Variant

FOLDER = Path(__file__).parents[1] / "tests/snapshots"
ACCEPT = "make snapshots"
_SUFFIX = ".template.json"
_LINES = 200

# Stack -> text of its masked template.
Templates = Mapping[str, str]


def accepted(variant: Variant, *, folder: Path = FOLDER) -> dict[str, str]:
    """The accepted templates of a variant, those that it shares with its base included."""
    base = accepted(_base(variant), folder=folder) if variant.of else {}
    own = {
        path.name.removesuffix(_SUFFIX): path.read_text()
        for path in sorted((folder / variant.name).glob(f"*{_SUFFIX}"))
    }
    return base | own


def accept(current: Mapping[str, Templates], *, folder: Path = FOLDER) -> dict[Path, str]:
    """Write the templates of each variant; return what was written or removed, and which of it.

    Raises ValueError where a variant lacks a stack of its base: that cannot be said by files.
    """
    outcome: dict[Path, str] = {}
    for variant in GOLDEN:
        templates = current[variant.name]
        base = current[variant.of] if variant.of else {}
        if missing := sorted(set(base) - set(templates)):
            raise ValueError(f"{variant.name} lacks {', '.join(missing)} of {variant.of}")
        own = {
            folder / variant.name / f"{stack}{_SUFFIX}": text
            for stack, text in templates.items()
            if base.get(stack) != text
        }
        outcome |= _replace(folder / variant.name, own)
    return outcome


def changes_since(before: Templates, after: Templates) -> list[Change]:
    """What the change from one set of templates to another does, resource by resource."""

    def parsed(templates: Templates) -> dict[str, object]:
        return {stack: json.loads(text) for stack, text in templates.items()}

    return changes(parsed(before), parsed(after))


def difference(variant: str, before: Templates, after: Templates) -> str:
    """What a reader needs who did not expect a difference; empty if there is none."""
    if dict(before) == dict(after):
        return ""
    meaning = [
        f"  {change.effect} {change.kind} {change.stack}/{change.name}"
        + "".join(f"\n      {detail}" for detail in change.details)
        for change in changes_since(before, after)
    ]
    lines = [
        line
        for stack in sorted(set(before) | set(after))
        for line in difflib.unified_diff(
            before.get(stack, "").splitlines(),
            after.get(stack, "").splitlines(),
            f"golden {variant}/{stack}",
            f"now {variant}/{stack}",
            lineterm="",
        )
    ]
    shown = lines[:_LINES]
    if len(lines) > _LINES:
        shown.append(f"… and {len(lines) - _LINES} lines more")
    return "\n".join(
        [
            f"the templates of {variant} are not the accepted ones:",
            *(meaning or ["  no resource changed, but the text did"]),
            "",
            *shown,
            "",
            f"if that is meant: {ACCEPT}, read the diff, commit it with the change",
        ]
    )


def _replace(folder: Path, files: Mapping[Path, str]) -> dict[Path, str]:
    outcome: dict[Path, str] = {}
    for path in sorted(set(folder.glob(f"*{_SUFFIX}")) - set(files)):
        path.unlink()
        outcome[path] = "removed"
    for path, text in files.items():
        was = path.read_text() if path.exists() else None
        if was != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            outcome[path] = "added" if was is None else "changed"
    return outcome


def _base(variant: Variant) -> Variant:
    return next(other for other in GOLDEN if other.name == variant.of)
