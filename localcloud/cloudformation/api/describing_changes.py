"""The shape of one change of a change set, with or without the values of its properties."""

from __future__ import annotations

import json
from typing import Any

from localcloud.cloudformation.engine.changes import PropertyChange, ResourceChange
from localcloud.cloudformation.template.evaluation import UNKNOWN

Shape = dict[str, Any]

# What AWS puts in place of a value that only the deployment will know.
_KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"


def present(**members: Any) -> Shape:
    """A shape without the members that are None."""
    return {name: value for name, value in members.items() if value is not None}


def change_shape(change: ResourceChange, *, values: bool) -> Shape:
    """One ResourceChange."""
    shape = present(
        PolicyAction=change.policy_action,
        Action=change.action,
        LogicalResourceId=change.logical_id,
        PhysicalResourceId=change.physical_id,
        ResourceType=change.type,
        Replacement=change.replacement,
        Scope=sorted({detail.attribute for detail in change.details}),
        Details=[_detail_shape(detail, values=values) for detail in change.details],
    )
    if values:
        shape |= present(BeforeContext=_context(change.before), AfterContext=_context(change.after))
    return shape


def _context(properties: Any) -> str | None:
    return None if properties is None else json.dumps({"Properties": _shown(properties)})


def _detail_shape(detail: PropertyChange, *, values: bool) -> Shape:
    target = present(
        Attribute=detail.attribute,
        Name=detail.name,
        RequiresRecreation=detail.requires_recreation,
    )
    if values and detail.name is not None:
        target |= present(
            Path=f"/Properties/{detail.name}",
            BeforeValue=_value(detail.before),
            AfterValue=_value(detail.after),
            AttributeChangeType=_kind(detail),
        )
    return {
        "Target": target,
        "Evaluation": "Dynamic" if detail.dynamic else "Static",
        "ChangeSource": "DirectModification" if detail.direct else "ResourceAttribute",
    }


def _kind(detail: PropertyChange) -> str:
    if detail.before is None:
        return "Add"
    return "Remove" if detail.after is None else "Modify"


def _value(value: Any) -> str | None:
    if value is None:
        return None
    shown = _shown(value)
    return shown if isinstance(shown, str) else json.dumps(shown)


def _shown(value: Any) -> Any:
    if value is UNKNOWN:
        return _KNOWN_AFTER_APPLY
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value
