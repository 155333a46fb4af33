"""What a change of templates means, resource by resource: not lines, but what CloudFormation does.

It decides what counts as a change of security (who may do what, what is reachable, what is kept)
and puts that first, then what is lost: a replaced or removed resource. Which property replaces its
resource is known from AWS's schemas; a type without one is said to be unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile
from typing import Any

from review.schemas import schema_of

Path = tuple[str, ...]

# Of a longer value only the part that differs is told, with so many characters around it.
_LONG = 120
_AROUND = 40

# By the beginning of the type: everything of these is about who may do what, or from where.
_SECURITY_TYPES = (
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::VPCEndpoint",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Authorizer",
)
# By words in the name of a property, wherever it stands in its resource.
_SECURITY_WORDS = (
    "PolicyDocument",
    "Policies",
    "KeyPolicy",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Public",
    "Encrypt",
    "Kms",
    "SSE",
    "Auth",
    "Principal",
    "Role",
    "Cors",
    "Ownership",
    "Retention",
    "SecurityGroup",
    "Privileged",
    "MetadataOptions",
)


class Effect(IntEnum):
    """What becomes of a resource, the worst last."""

    ADDED = 1
    MODIFIED = 2
    UNKNOWN = 3
    MAY_BE_REPLACED = 4
    REMOVED = 5
    REPLACED = 6

    def __str__(self) -> str:
        return {self.UNKNOWN: "modified, schema unknown"}.get(
            self, self.name.lower().replace("_", " ")
        )


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource (or one output) that is not as it was; `details` are its changed properties."""

    stack: str
    name: str
    kind: str
    effect: Effect
    security: bool
    details: tuple[str, ...] = ()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes between two sets of templates (stack -> template), the gravest first."""
    found = [
        change
        for stack in sorted({*before, *after})
        for change in _of_stack(stack, before.get(stack, {}), after.get(stack, {}))
    ]
    return sorted(
        found, key=lambda one: (not one.security, -one.effect, one.stack, one.kind, one.name)
    )


def _of_stack(stack: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for section in sorted(before | after):
        was, now = before.get(section, {}), after.get(section, {})
        if section == "Resources":
            for name in sorted(was | now):
                if was.get(name) != now.get(name):
                    yield _of_resource(stack, name, was.get(name), now.get(name))
        elif was != now:
            yield from _of_section(stack, section, was, now)


def _of_resource(
    stack: str, name: str, was: dict[str, Any] | None, now: dict[str, Any] | None
) -> Change:
    kind = (now or was or {})["Type"]
    if was is None or now is None or was["Type"] != now["Type"]:
        effect = Effect.ADDED if was is None else Effect.REMOVED if now is None else Effect.REPLACED
        details: tuple[str, ...] = ()
        if was and now:
            details += (f"Type: {was['Type']} → {kind}",)
        if was and was.get("DeletionPolicy", "Delete") != "Delete":
            details += (f"its DeletionPolicy is {was['DeletionPolicy']}: it stays, unmanaged",)
        return Change(
            stack=stack,
            name=name,
            kind=kind,
            effect=effect,
            security=_is_security(kind, ()),
            details=details,
        )
    differing = list(_differing(was, now))
    effects = [_effect(kind, path) for path, _, _ in differing]
    marks = {
        Effect.REPLACED: " (replaces it)",
        Effect.MAY_BE_REPLACED: " (may replace it)",
    }
    return Change(
        stack=stack,
        name=name,
        kind=kind,
        effect=max(effects),
        security=any(_is_security(kind, path) for path, _, _ in differing),
        details=tuple(
            f"{'.'.join(path)}: {_both(old, new)}{marks.get(effect, '')}"
            for (path, old, new), effect in zip(differing, effects, strict=True)
        ),
    )


def _of_section(stack: str, section: str, was: Any, now: Any) -> Iterator[Change]:
    """Outputs and the like, entry by entry; a section of one value as a whole."""
    if not (isinstance(was, dict) and isinstance(now, dict)):
        was, now = {section: was}, {section: now}
    for name in sorted(was | now):
        old, new = was.get(name), now.get(name)
        if old != new:
            effect = Effect.ADDED if not old else Effect.REMOVED if not new else Effect.MODIFIED
            yield Change(
                stack=stack,
                name=name,
                kind=section,
                effect=effect,
                security=False,
                details=(_both(old, new),) if effect is Effect.MODIFIED else (),
            )


_ABSENT = object()


def _differing(was: Any, now: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Every place where two values differ; lists of one length are compared item by item."""
    # What comes or goes with everything in it is told property by property, too.
    was = {} if was is _ABSENT and isinstance(now, dict) and now else was
    now = {} if now is _ABSENT and isinstance(was, dict) and was else now
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was | now):
            yield from _differing(was.get(key, _ABSENT), now.get(key, _ABSENT), (*path, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differing(old, new, (*path, str(number)))
    elif was != now:
        yield path, was, now


def _effect(kind: str, path: Path) -> Effect:
    if path[0] != "Properties":
        return Effect.MODIFIED
    schema = schema_of(kind)
    if schema is None:
        return Effect.UNKNOWN
    names = tuple(part for part in path[1:] if not part.isdigit())
    if _within(names, schema.replaced_by):
        return Effect.REPLACED
    if _within(names, schema.maybe_replaced_by):
        return Effect.MAY_BE_REPLACED
    return Effect.MODIFIED


def _within(names: Path, paths: frozenset[Path]) -> bool:
    """Whether a change at `names` touches one of `paths`: inside it, or around it."""
    return any(names[: len(path)] == path or path[: len(names)] == names for path in paths)


def _is_security(kind: str, path: Path) -> bool:
    return kind.startswith(_SECURITY_TYPES) or any(
        word in part for part in path for word in _SECURITY_WORDS
    )


def _both(old: Any, new: Any) -> str:
    """Both values on one line; of long ones, such as a workflow's definition, where they differ."""
    was, now = _text(old), _text(new)
    if max(len(was), len(now)) > _LONG:
        start = _shared(was, now)
        end = _shared(was[start:][::-1], now[start:][::-1])
        start = max(0, start - _AROUND)
        end = max(0, end - _AROUND)
        was, now = (_cut(text, start, len(text) - end) for text in (was, now))
    return f"{was} → {now}"


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _cut(text: str, start: int, stop: int) -> str:
    inner = text[start:stop]
    if len(inner) > _LONG:
        inner = f"{inner[:_LONG]}…"
    return f"{'…' if start else ''}{inner}{'…' if stop < len(text) else ''}"


def _text(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
