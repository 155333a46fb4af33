"""The element Condition of a statement, with every operator that AWS documents.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
An operator that AWS does not know, or a value that its operator cannot compare, is a PolicyError.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from localcloud.iam.patterns import Context, Matches, arn_pattern, text_pattern
from localcloud.iam.policy_error import PolicyError

_FOR_ALL, _FOR_ANY = "ForAllValues:", "ForAnyValue:"
_IF_EXISTS = "IfExists"

MakeMatches = Callable[[str, bool], Matches]


def _text(*, wildcards: bool = False, ignore_case: bool = False) -> MakeMatches:
    return lambda wanted, variables: text_pattern(
        wanted, wildcards=wildcards, variables=variables, ignore_case=ignore_case
    )


def _arn(wanted: str, variables: bool) -> Matches:
    return arn_pattern(wanted, variables=variables)


def _compared(
    parse: Callable[[str], Any], compare: Callable[[Any, Any], bool], allowed: str
) -> MakeMatches:
    """An operator on parsed values; one of the request that cannot be parsed matches nothing."""

    def make(wanted_text: str, variables: bool) -> Matches:
        try:
            wanted = parse(wanted_text)
        except (ValueError, InvalidOperation) as error:
            raise PolicyError(f"condition value {wanted_text!r}; allowed: {allowed}") from error

        def matches(text: str, context: Context) -> bool:
            try:
                actual = parse(text)
            except (ValueError, InvalidOperation):
                return False
            return compare(actual, wanted)

        return matches

    return make


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _moment(text: str) -> datetime.datetime:
    """ISO 8601 as AWS takes it (UTC unless it says otherwise), or seconds since 1970."""
    if text.isdecimal() and len(text) > 4:
        return datetime.datetime.fromtimestamp(int(text), datetime.UTC)
    moment = datetime.datetime.fromisoformat(text if len(text) > 7 else f"{text}-01-01"[:10])
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _in_network(actual: Any, wanted: Any) -> bool:
    return actual.version == wanted.version and bool(actual.subnet_of(wanted))


def _network(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)


def _ordered(kind: str, parse: Callable[[str], Any], allowed: str) -> dict[str, MakeMatches]:
    return {
        f"{kind}Equals": _compared(parse, lambda actual, wanted: actual == wanted, allowed),
        f"{kind}LessThan": _compared(parse, lambda actual, wanted: actual < wanted, allowed),
        f"{kind}LessThanEquals": _compared(parse, lambda actual, wanted: actual <= wanted, allowed),
        f"{kind}GreaterThan": _compared(parse, lambda actual, wanted: actual > wanted, allowed),
        f"{kind}GreaterThanEquals": _compared(
            parse, lambda actual, wanted: actual >= wanted, allowed
        ),
    }


_OPERATORS: dict[str, MakeMatches] = {
    "StringEquals": _text(),
    "StringEqualsIgnoreCase": _text(ignore_case=True),
    "StringLike": _text(wildcards=True),
    **_ordered("Numeric", Decimal, "a number"),
    **_ordered("Date", _moment, "an ISO 8601 date, or seconds since 1970"),
    "Bool": _compared(_boolean, lambda actual, wanted: actual == wanted, "true or false"),
    "BinaryEquals": lambda wanted, variables: lambda text, context: text == wanted,
    "IpAddress": _compared(_network, _in_network, "an address or a CIDR block"),
    "ArnEquals": _arn,
    "ArnLike": _arn,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


@dataclass(frozen=True)
class Condition:
    """One operator on one key: whether a request's values for it satisfy the policy's."""

    key: str
    wanted: tuple[Matches, ...]
    negated: bool = False
    quantifier: str = ""
    if_exists: bool = False
    null: tuple[bool, ...] = ()

    def holds(self, context: Context) -> bool:
        found = context.get(self.key)
        values = (found,) if isinstance(found, str) else tuple(found or ())
        if self.null:
            return (not values) in self.null
        if self.quantifier == _FOR_ANY:
            return any(self._one(value, context) for value in values)
        if self.quantifier == _FOR_ALL:
            return values == ("",) or all(self._one(value, context) for value in values)
        if not values:
            return self.negated or self.if_exists
        if self.negated:
            return all(self._one(value, context) for value in values)
        return any(self._one(value, context) for value in values)

    def _one(self, value: str, context: Context) -> bool:
        return any(matches(value, context) for matches in self.wanted) is not self.negated


def conditions(
    element: Mapping[str, Mapping[str, Any]], *, variables: bool
) -> tuple[Condition, ...]:
    """All conditions of a statement; each must hold. Raises PolicyError."""
    return tuple(
        _condition(operator, key, wanted, variables)
        for operator, keys in element.items()
        for key, wanted in keys.items()
    )


def _condition(operator: str, key: str, wanted: Any, variables: bool) -> Condition:
    texts = [_policy_text(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    name, quantifier = operator, ""
    for prefix in (_FOR_ALL, _FOR_ANY):
        if name.startswith(prefix):
            name, quantifier = name.removeprefix(prefix), prefix
    if name == "Null":
        return Condition(key.lower(), (), null=tuple(_null(text) for text in texts))
    if_exists = name.endswith(_IF_EXISTS)
    name = name.removesuffix(_IF_EXISTS)
    make = _OPERATORS.get(_NEGATED.get(name, name))
    if make is None:
        raise PolicyError(
            f"condition operator {operator!r}; allowed: Null, "
            f"{', '.join(sorted([*_OPERATORS, *_NEGATED]))}"
        )
    return Condition(
        key.lower(),
        tuple(make(text, variables) for text in texts),
        negated=name in _NEGATED,
        quantifier=quantifier,
        if_exists=if_exists,
    )


def _policy_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _null(text: str) -> bool:
    try:
        return _boolean(text)
    except ValueError as error:
        raise PolicyError(f"condition Null: {text!r}; allowed: true or false") from error
