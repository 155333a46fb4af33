"""What a resource type's properties may look like: an allow-list, and conversion to it.

A schema is a Kind for a plain value, a list of one schema for lists, a dict for an object with
known keys (`"Name*"`: required), or a MapOf for an object with free keys. `unmodelled` looks at a
template, where intrinsic functions are still in place and are passed over (both branches of Fn::If
are looked at); `conform` converts evaluated values, since CloudFormation takes "128" for 128 and
"true" for true. Whatever is not in the schema is refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.template.evaluation import UNKNOWN
from localcloud.cloudformation.template.references import is_function


class Kind(Enum):
    """Kinds of plain values; JSON stands for any document (policies, dashboards)."""

    TEXT = "a string"
    INTEGER = "an integer"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    JSON = "a document"


@dataclass(frozen=True)
class MapOf:
    """An object whose keys are free and whose values have one schema."""

    item: Schema


Schema: TypeAlias = Kind | MapOf | list[Any] | Mapping[str, Any]

TEXT, INTEGER, NUMBER, BOOLEAN, JSON = (
    Kind.TEXT,
    Kind.INTEGER,
    Kind.NUMBER,
    Kind.BOOLEAN,
    Kind.JSON,
)
TAGS: Schema = [{"Key*": TEXT, "Value*": TEXT}]


def unmodelled(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Name every part of a template's value that the schema has no place for, or that it misses."""
    if is_function(value):
        ((name, argument),) = value.items()
        if name == "Fn::If" and isinstance(argument, list):
            for branch in argument[1:]:
                yield from unmodelled(schema, branch, path)
        return
    if schema is Kind.JSON:
        return
    if isinstance(schema, Kind):
        if isinstance(value, dict | list):
            yield f"{path} must be {schema.value}"
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{path} must be a list"
            return
        for index, item in enumerate(value):
            yield from unmodelled(schema[0], item, f"{path}[{index}]")
    elif not isinstance(value, dict):
        yield f"{path} must be an object"
    elif isinstance(schema, MapOf):
        for key, item in value.items():
            yield from unmodelled(schema.item, item, f"{path}.{key}")
    else:
        yield from _unmodelled_keys(schema, value, path)


def _unmodelled_keys(
    schema: Mapping[str, Schema], value: Mapping[str, Any], path: str
) -> Iterator[str]:
    members = _members(schema)
    for key, item in value.items():
        if key in members:
            yield from unmodelled(members[key], item, _join(path, key))
        else:
            known = ", ".join(sorted(members))
            yield f"property {_join(path, key)} is not modelled; modelled: {known}"
    for key in schema:
        if key.endswith("*") and key[:-1] not in value:
            yield f"property {_join(path, key[:-1])} is required"


def _members(schema: Mapping[str, Schema]) -> dict[str, Schema]:
    return {key.removesuffix("*"): item for key, item in schema.items()}


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def conform(schema: Schema, value: Any, path: str) -> Any:
    """Convert an evaluated value to its schema; UNKNOWN parts stay.

    Raises ResourceFailure naming the property and what is allowed.
    """
    if value is UNKNOWN or schema is Kind.JSON:
        return value
    if isinstance(schema, Kind):
        return _conform_plain(schema, value, path)
    if isinstance(schema, list):
        if not isinstance(value, list):
            raise ResourceFailure(f"property {path} must be a list")
        return [conform(schema[0], item, f"{path}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, dict):
        raise ResourceFailure(f"property {path} must be an object")
    if isinstance(schema, MapOf):
        return {key: conform(schema.item, item, f"{path}.{key}") for key, item in value.items()}
    problem = next(_unmodelled_keys(schema, value, path), None)
    if problem is not None:
        raise ResourceFailure(problem)
    members = _members(schema)
    return {key: conform(members[key], item, _join(path, key)) for key, item in value.items()}


def _conform_plain(kind: Kind, value: Any, path: str) -> Any:
    text = ("true" if value else "false") if isinstance(value, bool) else value
    if kind is Kind.TEXT and isinstance(text, str | int | float):
        return str(text)
    if kind is Kind.BOOLEAN and str(text) in ("true", "false"):
        return str(text) == "true"
    if kind in (Kind.INTEGER, Kind.NUMBER) and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = None
        if number is not None and number.is_integer():
            return int(number)
        if number is not None and kind is Kind.NUMBER:
            return number
    raise ResourceFailure(f"property {path} must be {kind.value}, not {value!r}")
