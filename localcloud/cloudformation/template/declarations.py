"""The parts of a template as typed, frozen values.

Decides which sections and which attributes of a resource are understood. Refused, naming the
place: any other section (Transform, Hooks), any other attribute (CreationPolicy, UpdatePolicy),
a Snapshot policy (no modelled type has snapshots), values of the wrong shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.errors import template_errors, validation_error
from localcloud.cloudformation.template.text import read_document

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}
_RESOURCE_ATTRIBUTES = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}
_DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")
_UPDATE_REPLACE_POLICIES = ("Delete", "Retain")


@dataclass(frozen=True)
class ResourceDeclaration:
    """One entry of Resources; `properties` still holds intrinsic functions."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    metadata: Any = None
    deletion_policy: str = "Delete"
    has_deletion_policy: bool = False
    update_replace_policy: str = "Delete"


@dataclass(frozen=True)
class OutputDeclaration:
    """One entry of Outputs; `value` and `export_name` still hold intrinsic functions."""

    key: str
    value: Any
    description: str | None = None
    export_name: Any = None
    condition: str | None = None


@dataclass(frozen=True)
class Template:
    """A parsed template together with its text, which GetTemplate returns unchanged."""

    body: str
    document: Mapping[str, Any]
    description: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    rules: Mapping[str, Any]
    resources: Mapping[str, ResourceDeclaration]
    outputs: Mapping[str, OutputDeclaration] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> Template:
        """What a stack has before its first operation."""
        return cls("{}", {}, None, {}, {}, {}, {}, {}, {})


def parse_template(body: str) -> Template:
    """Read a template. Raises CloudFormationError (ValidationError) naming every problem."""
    document = read_document(body)
    problems = [
        f"section {name} is not modelled; modelled: {', '.join(sorted(_SECTIONS))}"
        for name in document
        if name not in _SECTIONS
    ]
    sections = {name: _section(document, name, problems) for name in _SECTIONS}
    if not sections["Resources"] and not problems:
        raise validation_error(
            "Template format error: At least one Resources member must be defined."
        )
    resources = {
        logical_id: _resource(logical_id, declared, problems)
        for logical_id, declared in sections["Resources"].items()
    }
    outputs = {
        key: _output(key, declared, problems) for key, declared in sections["Outputs"].items()
    }
    if problems:
        raise template_errors(problems)
    description = document.get("Description")
    return Template(
        body=body,
        document=document,
        description=description if isinstance(description, str) else None,
        parameters=sections["Parameters"],
        mappings=sections["Mappings"],
        conditions=sections["Conditions"],
        rules=sections["Rules"],
        resources=resources,
        outputs=outputs,
    )


def _section(document: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    if name in ("AWSTemplateFormatVersion", "Description"):
        return {}
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        problems.append(f"section {name} must be an object")
        return {}
    return section


def _resource(logical_id: str, declared: Any, problems: list[str]) -> ResourceDeclaration:
    where = f"Resources.{logical_id}"
    if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
        problems.append(f"{where} must be an object with a Type")
        return ResourceDeclaration(logical_id, "", {})
    problems.extend(
        f"{where} ({declared['Type']}): attribute {name} is not modelled; "
        f"modelled: {', '.join(sorted(_RESOURCE_ATTRIBUTES))}"
        for name in declared
        if name not in _RESOURCE_ATTRIBUTES
    )
    properties = declared.get("Properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        problems.append(f"{where}.Properties must be an object")
        properties = {}
    depends_on = declared.get("DependsOn") or ()
    if isinstance(depends_on, str):
        depends_on = (depends_on,)
    if not all(isinstance(item, str) for item in depends_on):
        problems.append(f"{where}.DependsOn must be a logical id or a list of them")
        depends_on = ()
    return ResourceDeclaration(
        logical_id=logical_id,
        type=declared["Type"],
        properties=properties,
        depends_on=tuple(depends_on),
        condition=_condition(where, declared, problems),
        metadata=declared.get("Metadata"),
        deletion_policy=_policy(where, declared, "DeletionPolicy", _DELETION_POLICIES, problems),
        has_deletion_policy="DeletionPolicy" in declared,
        update_replace_policy=_policy(
            where, declared, "UpdateReplacePolicy", _UPDATE_REPLACE_POLICIES, problems
        ),
    )


def _policy(
    where: str,
    declared: Mapping[str, Any],
    name: str,
    allowed: tuple[str, ...],
    problems: list[str],
) -> str:
    value = declared.get(name, "Delete")
    if value not in allowed:
        problems.append(f"{where}.{name} {value!r} is not modelled; allowed: {', '.join(allowed)}")
        return "Delete"
    return str(value)


def _condition(where: str, declared: Mapping[str, Any], problems: list[str]) -> str | None:
    condition = declared.get("Condition")
    if condition is not None and not isinstance(condition, str):
        problems.append(f"{where}.Condition must be the name of a condition")
        return None
    return condition


def _output(key: str, declared: Any, problems: list[str]) -> OutputDeclaration:
    where = f"Outputs.{key}"
    if not isinstance(declared, dict) or "Value" not in declared:
        problems.append(f"{where} must be an object with a Value")
        return OutputDeclaration(key, "")
    export = declared.get("Export")
    if export is not None and not (isinstance(export, dict) and set(export) == {"Name"}):
        problems.append(f"{where}.Export must be an object with a Name")
        export = None
    description = declared.get("Description")
    return OutputDeclaration(
        key=key,
        value=declared["Value"],
        description=description if isinstance(description, str) else None,
        export_name=None if export is None else export["Name"],
        condition=_condition(where, declared, problems),
    )
