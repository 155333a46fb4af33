"""AWS's own resource schemas, as cfn-lint ships them: what replaces a resource, where its tags are.

It decides nothing; a type without a schema is said to have none (`None`), never taken for harmless.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from prices.us_east_1 import REGION


@dataclass(frozen=True, kw_only=True)
class ResourceSchema:
    """Paths are tuples of property names; list items have no name of their own in them."""

    replaced_by: frozenset[tuple[str, ...]]
    maybe_replaced_by: frozenset[tuple[str, ...]]
    tag_property: str | None


@cache
def schema_of(kind: str) -> ResourceSchema | None:
    """The schema of a resource type, or None where there is no such type."""
    # Imported here: the schemas are needed by some questions, and take half a second.
    from cfnlint.schema import ResourceNotFoundError
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return None
    tagging = schema.get("tagging") or {}
    return ResourceSchema(
        replaced_by=_paths(schema, "createOnlyProperties"),
        maybe_replaced_by=_paths(schema, "conditionalCreateOnlyProperties"),
        tag_property=(
            tagging.get("tagProperty", "/properties/Tags").rpartition("/")[2]
            if tagging.get("taggable")
            else None
        ),
    )


def _paths(schema: dict[str, Any], key: str) -> frozenset[tuple[str, ...]]:
    pointers = schema.get(key) or []
    return frozenset(
        tuple(part for part in pointer.removeprefix("/properties/").split("/") if part != "*")
        for pointer in pointers
    )
