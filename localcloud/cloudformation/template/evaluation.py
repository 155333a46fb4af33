"""Evaluates intrinsic functions.

A value that hangs on a resource whose outcome lies in the future (while a change set is planned)
evaluates to UNKNOWN; during execution nothing is unknown. A function's arguments of the wrong
shape raise ValidationError naming the function.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.template.references import is_function, split_get_att
from localcloud.cloudformation.template.zones import availability_zones


class _Unknown:
    """The value of something that is only known once a resource has been changed."""

    def __repr__(self) -> str:
        return "{{changeSet:KNOWN_AFTER_APPLY}}"


class _NoValue:
    """What `AWS::NoValue` evaluates to: the key or element that holds it disappears."""


UNKNOWN = _Unknown()
NO_VALUE = _NoValue()


class NotYetKnown(Exception):  # noqa: N818 - a signal between lookup and evaluation, not an error
    """Raised by a lookup for a resource that has not been made or changed yet."""


class Resources(Protocol):
    """Where references to resources are looked up."""

    def ref(self, logical_id: str) -> Any:
        """Value of Ref. Raises NotYetKnown."""

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Value of GetAtt. Raises NotYetKnown."""


def no_imports(export_name: str) -> str:
    """The import lookup of a context in which Fn::ImportValue has no meaning."""
    raise validation_error(f"Fn::ImportValue ({export_name}) cannot be used here")


@dataclass(frozen=True)
class Scope:
    """All names that a value of a template may use."""

    pseudo: Mapping[str, Any]
    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, bool]
    resources: Resources
    import_value: Callable[[str], str] = field(default=no_imports)

    def evaluate(self, value: Any) -> Any:
        """The value with every intrinsic function replaced by its result."""
        if is_function(value):
            try:
                return self._call(value)
            except NotYetKnown:
                return UNKNOWN
        if isinstance(value, dict):
            evaluated = {name: self.evaluate(item) for name, item in value.items()}
            return {name: item for name, item in evaluated.items() if item is not NO_VALUE}
        if isinstance(value, list):
            items = (self.evaluate(item) for item in value)
            return [item for item in items if item is not NO_VALUE]
        return value

    def _strict(self, value: Any) -> Any:
        """Evaluate an argument; an unknown part makes the whole function unknown."""
        if is_function(value):
            return self._call(value)
        if isinstance(value, dict):
            evaluated = {name: self._strict(item) for name, item in value.items()}
            return {name: item for name, item in evaluated.items() if item is not NO_VALUE}
        if isinstance(value, list):
            items = (self._strict(item) for item in value)
            return [item for item in items if item is not NO_VALUE]
        return value

    def _call(self, function: Mapping[str, Any]) -> Any:
        ((name, argument),) = function.items()
        try:
            implementation = _FUNCTIONS[name]
        except KeyError:
            raise validation_error(f"intrinsic function {name} is not modelled") from None
        return implementation(self, argument)

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.resources.ref(name)

    def _get_att(self, argument: Any) -> Any:
        target = split_get_att(argument)
        if target is None:
            raise validation_error("Fn::GetAtt needs a logical id and an attribute name")
        return self.resources.get_att(*target)

    def _sub(self, argument: Any) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})
        values = {name: self._strict(item) for name, item in variables.items()}

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            name = name.strip()
            if name in values:
                return _text("Fn::Sub", values[name])
            target, _, attribute = name.partition(".")
            found = self.resources.get_att(target, attribute) if attribute else self._ref(name)
            return _text("Fn::Sub", found)

        return re.sub(r"\$\{([^}]*)\}", replace, text)

    def _join(self, argument: Any) -> str:
        separator, items = _arguments("Fn::Join", argument, 2)
        items = self._strict(items)
        if not isinstance(separator, str) or not isinstance(items, list):
            raise validation_error("Fn::Join needs a separator and a list")
        return separator.join(_text("Fn::Join", item) for item in items)

    def _select(self, argument: Any) -> Any:
        index, items = _arguments("Fn::Select", argument, 2)
        index, items = self._strict(index), self._strict(items)
        if not isinstance(items, list) or not str(index).isdigit():
            raise validation_error("Fn::Select needs an index and a list")
        if int(index) >= len(items):
            raise validation_error(
                f"Fn::Select cannot select nonexistent value at index {index} of {len(items)}"
            )
        return items[int(index)]

    def _split(self, argument: Any) -> list[str]:
        separator, text = _arguments("Fn::Split", argument, 2)
        text = self._strict(text)
        if not isinstance(separator, str) or not separator or not isinstance(text, str):
            raise validation_error("Fn::Split needs a delimiter and a text")
        return text.split(separator)

    def _if(self, argument: Any) -> Any:
        condition, when_true, when_false = _arguments("Fn::If", argument, 3)
        if condition not in self.conditions:
            raise validation_error(f"Fn::If refers to the undefined condition {condition}")
        return self._strict(when_true if self.conditions[condition] else when_false)

    def _find_in_map(self, argument: Any) -> Any:
        keys = [self._strict(key) for key in _arguments("Fn::FindInMap", argument, 3)]
        found: Any = self.mappings
        for key in keys:
            if not isinstance(found, Mapping) or str(key) not in found:
                raise validation_error(f"Unable to get mapping for {'::'.join(map(str, keys))}")
            found = found[str(key)]
        return found

    def _import(self, argument: Any) -> str:
        return self.import_value(_text("Fn::ImportValue", self._strict(argument)))

    def _get_azs(self, argument: Any) -> list[str]:
        region = _text("Fn::GetAZs", self._strict(argument)) or str(self.pseudo["AWS::Region"])
        return availability_zones(region)

    def _base64(self, argument: Any) -> str:
        return base64.b64encode(_text("Fn::Base64", self._strict(argument)).encode()).decode()


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope._ref,
    "Fn::Base64": Scope._base64,
    "Fn::FindInMap": Scope._find_in_map,
    "Fn::GetAZs": Scope._get_azs,
    "Fn::GetAtt": Scope._get_att,
    "Fn::If": Scope._if,
    "Fn::ImportValue": Scope._import,
    "Fn::Join": Scope._join,
    "Fn::Select": Scope._select,
    "Fn::Split": Scope._split,
    "Fn::Sub": Scope._sub,
}


def _arguments(name: str, argument: Any, count: int) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != count:
        raise validation_error(f"{name} needs a list of {count} arguments")
    return argument


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise validation_error(f"{name} can only use text and numbers, not {type(value).__name__}")
