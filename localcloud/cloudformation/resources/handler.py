"""What the engine asks of a resource type.

A handler knows one type: which properties it models, what Ref and GetAtt give, which changes
replace the resource, and how to create, update and delete it through the service's own API. It
decides no order and keeps no state. It never takes over something that exists already, and its
delete succeeds when the thing is gone.
"""

from __future__ import annotations

import secrets
import string
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.cloudformation.resources.schema import Schema
from localcloud.context import CloudContext


@dataclass(frozen=True)
class Provisioned:
    """A resource as it stands: what Ref gives, and what GetAtt gives for each attribute."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Creation:
    """The task of making one resource.

    `started` must be called with the physical id as soon as the thing exists, before any further
    call that may fail, so that a half-made resource can be deleted.
    """

    stack_name: str
    stack_id: str
    logical_id: str
    properties: Mapping[str, Any]
    started: Callable[[str], None]

    def generated_name(self, *, max_length: int = 64, lower_case: bool = False) -> str:
        """A name as CloudFormation makes it: stack, logical id, random tail."""
        alphabet = string.ascii_lowercase if lower_case else string.ascii_uppercase
        tail = "".join(secrets.choice(alphabet + string.digits) for _ in range(12))
        room = max_length - len(tail) - 2
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            stack = stack[: max(room - len(logical), room // 2)]
            logical = logical[: room - len(stack)]
        name = f"{stack}-{logical}-{tail}"
        return name.lower() if lower_case else name


@dataclass(frozen=True)
class Update:
    """The task of changing one resource in place.

    `changed` names the top-level properties to apply: all that differ, and after an update that
    failed half-way also those that may differ. `possible`: properties that it may have in part.
    """

    stack_id: str
    logical_id: str
    physical_id: str
    attributes: Mapping[str, Any]
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    changed: frozenset[str]
    possible: tuple[Mapping[str, Any], ...] = ()

    def formers(self, name: str) -> list[Any]:
        """Every value that the property may have now, in whole or in part."""
        return _values(name, self.old, self.possible)

    def touches(self, *names: str) -> bool:
        """Whether any of these properties is to be applied."""
        return not self.changed.isdisjoint(names)

    def unchanged(self) -> Provisioned:
        """The same identity and attributes as before."""
        return Provisioned(self.physical_id, self.attributes)


@dataclass(frozen=True)
class Deletion:
    """The task of removing one resource; `possible` as for an update."""

    physical_id: str
    properties: Mapping[str, Any]
    possible: tuple[Mapping[str, Any], ...] = ()

    def formers(self, name: str) -> list[Any]:
        """Every value that the property may have now, in whole or in part."""
        return _values(name, self.properties, self.possible)


def _values(
    name: str, last: Mapping[str, Any], possible: tuple[Mapping[str, Any], ...]
) -> list[Any]:
    return [properties[name] for properties in (last, *possible) if name in properties]


class ResourceHandler(ABC):
    """One resource type. `replace_on` names top-level properties."""

    type_name: ClassVar[str]
    schema: ClassVar[Mapping[str, Schema]]
    replace_on: ClassVar[frozenset[str]] = frozenset()
    attributes: ClassVar[frozenset[str]] = frozenset()
    # Attributes that an update in place may change.
    volatile_attributes: ClassVar[frozenset[str]] = frozenset()
    # The property that fixes the physical name: such a resource cannot be replaced under its name.
    name_property: ClassVar[str | None] = None
    # Whether the service lets anybody set tags that begin with "aws:".
    takes_system_tags: ClassVar[bool] = True

    def __init__(self, context: CloudContext) -> None:
        self.context = context

    @abstractmethod
    def create(self, task: Creation) -> Provisioned:
        """Make the resource. Any exception but a programming error is the user's to read."""

    @abstractmethod
    def update(self, task: Update) -> Provisioned:
        """Change the resource in place; repeating it must lead to the same end."""

    @abstractmethod
    def delete(self, task: Deletion) -> None:
        """Remove the resource; succeed when it does not exist."""

    def find(self, name: str) -> Provisioned | None:
        """What exists under a custom name, if resources of this type can be imported by it."""
        return None


@contextmanager
def gone_is_fine(*codes: str) -> Iterator[None]:
    """Let the service's not-found errors pass while deleting."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def chosen(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named properties that are set, under CloudFormation's names."""
    return {name: properties[name] for name in names if name in properties}


def lower_camel(value: Any) -> Any:
    """Keys of a document with a lower-case first letter, as some services spell them."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_camel(item) for item in value]
    return value
