"""Finds, without evaluating anything, what a value of a template refers to.

The dependency graph, the checks of names and the list of unmodelled functions come from here.
Both branches of `Fn::If` count, so that the graph does not depend on parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
VALUE_FUNCTIONS = frozenset(
    {
        "Ref",
        "Fn::Base64",
        "Fn::FindInMap",
        "Fn::GetAZs",
        "Fn::GetAtt",
        "Fn::If",
        "Fn::ImportValue",
        "Fn::Join",
        "Fn::Select",
        "Fn::Split",
        "Fn::Sub",
    }
)
CONDITION_FUNCTIONS = frozenset(
    {
        "Condition",
        "Ref",
        "Fn::And",
        "Fn::Equals",
        "Fn::FindInMap",
        "Fn::Join",
        "Fn::Not",
        "Fn::Or",
        "Fn::Select",
        "Fn::Split",
        "Fn::Sub",
    }
)
RULE_FUNCTIONS = frozenset(
    {
        "Ref",
        "Fn::And",
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::Equals",
        "Fn::Not",
        "Fn::Or",
    }
)

_SUB_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Reference:
    """A Ref (attribute None) or a GetAtt found at `where` in the template."""

    where: str
    target: str
    attribute: str | None


@dataclass
class Findings:
    """Everything one walk over a value brought up."""

    references: list[Reference] = field(default_factory=list)
    conditions: list[Reference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def is_function(value: Any) -> bool:
    """Whether this is an intrinsic function of the property context."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (name,) = value
    return isinstance(name, str) and (name == "Ref" or name.startswith("Fn::"))


def sub_variables(text: str) -> Iterator[str]:
    """The names that Fn::Sub replaces in a text; `${!literal}` is none."""
    for match in _SUB_VARIABLE.finditer(text):
        if not match.group(1).startswith("!"):
            yield match.group(1).strip()


def scan(
    value: Any,
    where: str,
    allowed: frozenset[str] = VALUE_FUNCTIONS,
    found: Findings | None = None,
) -> Findings:
    """Walk a value at the place `where` of the template and collect what it refers to."""
    found = Findings() if found is None else found
    if isinstance(value, list):
        for index, item in enumerate(value):
            scan(item, f"{where}[{index}]", allowed, found)
    elif isinstance(value, dict):
        _scan_mapping(value, where, allowed, found)
    elif isinstance(value, str) and "{{resolve:" in value:
        found.problems.append(f"{where}: dynamic references ({{{{resolve:...}}}}) are not modelled")
    return found


def _scan_mapping(
    value: dict[str, Any], where: str, allowed: frozenset[str], found: Findings
) -> None:
    condition_context = "Condition" in allowed
    functions = [name for name in value if str(name) == "Ref" or str(name).startswith("Fn::")]
    if condition_context and set(value) == {"Condition"}:
        found.conditions.append(Reference(where, str(value["Condition"]), None))
        return
    if not functions:
        for name, item in value.items():
            scan(item, f"{where}.{name}", allowed, found)
        return
    if len(value) != 1:
        found.problems.append(f"{where}: {functions[0]} must be the only key of its object")
        return
    (name,) = functions
    if name not in allowed:
        found.problems.append(
            f"{where}: intrinsic function {name} is not modelled here; "
            f"modelled: {', '.join(sorted(allowed))}"
        )
        return
    _scan_function(name, value[name], where, allowed, found)


def _scan_function(
    name: str, argument: Any, where: str, allowed: frozenset[str], found: Findings
) -> None:
    if name == "Ref":
        if not isinstance(argument, str):
            found.problems.append(f"{where}: Ref needs a name")
            return
        found.references.append(Reference(where, argument, None))
    elif name == "Fn::GetAtt":
        target = split_get_att(argument)
        if target is None:
            found.problems.append(f"{where}: Fn::GetAtt needs a logical id and an attribute name")
            return
        found.references.append(Reference(where, *target))
    elif name == "Fn::Sub":
        _scan_sub(argument, where, allowed, found)
    elif name == "Fn::If":
        if not isinstance(argument, list) or len(argument) != 3:
            found.problems.append(f"{where}: Fn::If needs a condition and two values")
            return
        found.conditions.append(Reference(where, str(argument[0]), None))
        scan(argument[1:], where, allowed, found)
    else:
        scan(argument, f"{where}.{name}", allowed, found)


def _scan_sub(argument: Any, where: str, allowed: frozenset[str], found: Findings) -> None:
    text, variables = argument, {}
    if isinstance(argument, list) and len(argument) == 2:
        text, variables = argument
    if not isinstance(text, str) or not isinstance(variables, dict):
        found.problems.append(
            f"{where}: Fn::Sub needs a text, or a text and an object of variables"
        )
        return
    for name, item in variables.items():
        scan(item, f"{where}.Fn::Sub.{name}", allowed, found)
    for name in sub_variables(text):
        if name not in variables:
            target, _, attribute = name.partition(".")
            found.references.append(Reference(where, target, attribute or None))


def split_get_att(argument: Any) -> tuple[str, str] | None:
    """Logical id and attribute of a GetAtt in either of its two spellings; None if malformed."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and len(parts) == 2 and all(isinstance(p, str) for p in parts):
        return parts[0], parts[1]
    return None
