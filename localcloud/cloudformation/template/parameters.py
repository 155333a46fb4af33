"""Values of a template's parameters: supplied, previous or default, checked and converted.

Every violated constraint is refused. Types that are not listed are refused, so that no parameter
is taken for a string by mistake. SSM parameter types are looked up once per change set, and the
value found is kept with the stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.cloudformation.errors import validation_error

NO_ECHO = "****"

_SSM_PREFIX = "AWS::SSM::Parameter::Value<"
_TEXT_TYPES = ("String", "AWS::SSM::Parameter::Name")
_LIST_TYPES = ("CommaDelimitedList", "List<String>", "List<Number>")
_SSM_TYPES = tuple(f"{_SSM_PREFIX}{inner}>" for inner in ("String", "CommaDelimitedList"))
_SSM_LIST_TYPE = f"{_SSM_PREFIX}List<String>>"
_DECLARATION_KEYS = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}


@dataclass(frozen=True)
class ParameterValue:
    """What a parameter was given (`given`) and, for an SSM type, what was found (`resolved`)."""

    key: str
    type: str
    given: str
    resolved: str | None
    no_echo: bool

    @property
    def value(self) -> Any:
        """What Ref gives: a list for list types, text otherwise."""
        text = self.given if self.resolved is None else self.resolved
        if self.type in _LIST_TYPES or self.type in (_SSM_TYPES[1], _SSM_LIST_TYPE):
            return [item.strip() for item in text.split(",")]
        return text

    def described(self) -> dict[str, str]:
        """The shape in which the API shows it; the value of a NoEcho parameter stays hidden."""
        shown = {
            "ParameterKey": self.key,
            "ParameterValue": NO_ECHO if self.no_echo else self.given,
        }
        if self.resolved is not None:
            shown["ResolvedValue"] = NO_ECHO if self.no_echo else self.resolved
        return shown


def declared_type(declaration: Mapping[str, Any]) -> str:
    """The type of a parameter; CloudFormation requires it."""
    return str(declaration.get("Type", ""))


def is_no_echo(declaration: Mapping[str, Any]) -> bool:
    """NoEcho may be a boolean or its text."""
    return str(declaration.get("NoEcho", False)).lower() == "true"


def parameter_problems(declarations: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with the declarations themselves."""
    known = (*_TEXT_TYPES, "Number", *_LIST_TYPES, *_SSM_TYPES, _SSM_LIST_TYPE)
    problems = []
    for key, declaration in declarations.items():
        if not isinstance(declaration, dict):
            problems.append(f"Parameters.{key} must be an object")
            continue
        if declared_type(declaration) not in known:
            problems.append(
                f"Parameters.{key}: type {declared_type(declaration)!r} is not modelled; "
                f"modelled: {', '.join(known)}"
            )
        problems.extend(
            f"Parameters.{key}: {name} is not modelled"
            for name in declaration
            if name not in _DECLARATION_KEYS
        )
    return problems


def resolve_parameters(
    declarations: Mapping[str, Mapping[str, Any]],
    supplied: Sequence[Mapping[str, Any]],
    previous: Mapping[str, ParameterValue],
    find_ssm_value: Callable[[str], str],
) -> dict[str, ParameterValue]:
    """Give every declared parameter its value.

    `supplied` is the API's Parameters list, `previous` the stack's values (for UsePreviousValue),
    `find_ssm_value` finds the value of an SSM parameter by its name.
    Raises CloudFormationError (ValidationError) in CloudFormation's wording.
    """
    given = {item["ParameterKey"]: item for item in supplied}
    unknown = sorted(set(given) - set(declarations))
    if unknown:
        raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts: dict[str, str] = {}
    missing = []
    for key, declaration in declarations.items():
        text = _text(key, declaration, given.get(key), previous)
        if text is None:
            missing.append(key)
        else:
            texts[key] = text
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        key: _value(key, declarations[key], text, find_ssm_value) for key, text in texts.items()
    }


def _text(
    key: str,
    declaration: Mapping[str, Any],
    item: Mapping[str, Any] | None,
    previous: Mapping[str, ParameterValue],
) -> str | None:
    if item is not None and item.get("UsePreviousValue"):
        if key not in previous:
            raise validation_error(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true "
                "for a parameter key not in the previous template"
            )
        return previous[key].given
    if item is not None and "ParameterValue" in item:
        return str(item["ParameterValue"])
    default = declaration.get("Default")
    if isinstance(default, bool):
        return "true" if default else "false"
    return None if default is None else str(default)


def _value(
    key: str,
    declaration: Mapping[str, Any],
    text: str,
    find_ssm_value: Callable[[str], str],
) -> ParameterValue:
    kind = declared_type(declaration)
    resolved = find_ssm_value(text) if kind.startswith(_SSM_PREFIX) else None
    value = ParameterValue(key, kind, text, resolved, is_no_echo(declaration))
    checked = value.value if isinstance(value.value, list) else [value.value]
    if resolved is None:
        for item in checked:
            _check(key, declaration, item)
    return value


def _check(key: str, declaration: Mapping[str, Any], text: str) -> None:
    """Apply the constraints to a value (to each element of a list)."""
    described = declaration.get("ConstraintDescription")

    def refuse(problem: str) -> None:
        reason = described if described else problem
        raise validation_error(f"Parameter {key} failed to satisfy constraint: {reason}")

    allowed = declaration.get("AllowedValues")
    if allowed is not None and text not in [_spelled(item) for item in allowed]:
        refuse(f"must be one of [{', '.join(_spelled(item) for item in allowed)}]")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, text) is None:
        refuse(f"must match pattern {pattern}")
    if "MinLength" in declaration and len(text) < int(declaration["MinLength"]):
        refuse(f"must contain at least {declaration['MinLength']} characters")
    if "MaxLength" in declaration and len(text) > int(declaration["MaxLength"]):
        refuse(f"must contain at most {declaration['MaxLength']} characters")
    if declared_type(declaration) in ("Number", "List<Number>"):
        try:
            number = float(text)
        except ValueError:
            raise validation_error(f"Parameter {key} must be a number, not {text!r}") from None
        if "MinValue" in declaration and number < float(declaration["MinValue"]):
            refuse(f"must be at least {declaration['MinValue']}")
        if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
            refuse(f"must be at most {declaration['MaxValue']}")


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
