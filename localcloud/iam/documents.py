"""Policy documents, read once into statements that can be asked about a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
What cannot be read is a PolicyError: nothing of a policy is skipped.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.iam.conditions import Condition, conditions
from localcloud.iam.patterns import Context, Matches, resource_pattern, text_pattern
from localcloud.iam.policy_error import PolicyError
from localcloud.iam.principals import Principals, principals

_WITH_VARIABLES = "2012-10-17"
_ELEMENTS = frozenset(
    (
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    )
)


@dataclass(frozen=True)
class _Choice:
    """Action or Resource, or its Not form; None stands for an absent element, which is met."""

    wanted: tuple[Matches, ...] | None
    negated: bool = False

    def meets(self, text: str, context: Context) -> bool:
        if self.wanted is None:
            return True
        return any(matches(text, context) for matches in self.wanted) is not self.negated


@dataclass(frozen=True)
class Statement:
    """One statement; `source` is what was written, for those who account for grants."""

    allows: bool
    actions: _Choice
    resources: _Choice
    conditions: tuple[Condition, ...]
    principals: Principals | None
    source: dict[str, Any]

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Whether it is about this request, whoever makes it."""
        return (
            self.actions.meets(action, context)
            and self.resources.meets(resource, context)
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True)
class Policy:
    """A document's statements, those that deny apart."""

    denying: tuple[Statement, ...]
    allowing: tuple[Statement, ...]


@functools.lru_cache(maxsize=4096)
def parsed(document: str | bytes) -> Policy:
    """A policy from its JSON text; the same text is read once. Raises PolicyError."""
    try:
        content = json.loads(document)
    except ValueError as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise PolicyError("the policy is not a JSON object")
    return policy_of(content)


def policy_of(content: dict[str, Any]) -> Policy:
    """A policy from a document that was read already. Raises PolicyError."""
    written = content.get("Statement", [])
    variables = content.get("Version") == _WITH_VARIABLES
    statements = [
        _statement(one, variables=variables)
        for one in (written if isinstance(written, list) else [written])
    ]
    return Policy(
        denying=tuple(one for one in statements if not one.allows),
        allowing=tuple(one for one in statements if one.allows),
    )


def _statement(written: Any, *, variables: bool) -> Statement:
    if not isinstance(written, dict) or not set(written) <= _ELEMENTS:
        raise PolicyError(
            f"statement {written!r}; allowed elements: {', '.join(sorted(_ELEMENTS))}"
        )
    effect = written.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Effect {effect!r}; allowed: Allow, Deny")
    return Statement(
        allows=effect == "Allow",
        actions=_choice(
            written,
            "Action",
            lambda text: text_pattern(text, variables=False, ignore_case=True),
        ),
        resources=_choice(
            written, "Resource", lambda text: resource_pattern(text, variables=variables)
        ),
        conditions=conditions(written.get("Condition", {}), variables=variables),
        principals=_principals(written),
        source=written,
    )


def _choice(written: dict[str, Any], element: str, pattern: Callable[[str], Matches]) -> _Choice:
    negation = f"Not{element}"
    if element in written and negation in written:
        raise PolicyError(f"{element} and {negation} in one statement; allowed: one of them")
    value = written.get(element, written.get(negation))
    if value is None:
        return _Choice(None)
    texts = [value] if isinstance(value, str) else value
    return _Choice(tuple(pattern(text) for text in texts), negated=negation in written)


def _principals(written: dict[str, Any]) -> Principals | None:
    if "NotPrincipal" in written:
        return principals(written["NotPrincipal"], excluding=True)
    if "Principal" in written:
        return principals(written["Principal"], excluding=False)
    return None
