"""Values of policies as patterns: wildcards, policy variables, and the segments of ARNs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
It compares text; which text a policy element is about is for others to say.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Protocol

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# ${*}, ${?} and ${$} stand for the characters themselves.
_LITERALS = frozenset("*?$")
_ARN_SEGMENTS = 6


class Context(Protocol):
    """The keys of a request that conditions and variables ask about; names in lower case."""

    def get(self, key: str, /) -> str | Sequence[str] | None:
        """The value or values of a key; None when the request does not have it."""


Matches = Callable[[str, Context], bool]


def text_pattern(
    pattern: str, *, wildcards: bool = True, variables: bool = True, ignore_case: bool = False
) -> Matches:
    """Whether a whole text matches `pattern`, in which `*` and `?` may be wildcards.

    A variable without a value in the request, and without a default, matches nothing.
    """
    make = functools.partial(_regex, wildcards=wildcards, ignore_case=ignore_case)
    if variables and "${" in pattern:
        return _with_variables(pattern, make)
    if wildcards and ("*" in pattern or "?" in pattern):
        return _of_regex(pattern, make)
    if ignore_case:
        wanted = pattern.lower()
        return lambda text, context: text.lower() == wanted
    return lambda text, context: text == pattern


def resource_pattern(pattern: str, *, variables: bool) -> Matches:
    """Whether an ARN is one that an element Resource means.

    A `*` reaches past a colon only where it ends its segment, and in the last segment.
    """
    if variables and "${" in pattern:
        return _with_variables(pattern, _arn_regex)
    if "*" in pattern or "?" in pattern:
        return _of_regex(pattern, _arn_regex)
    return lambda text, context: text == pattern


def arn_pattern(pattern: str, *, variables: bool) -> Matches:
    """ArnEquals and ArnLike: each of the six segments is compared for itself."""
    segments = pattern.split(":", _ARN_SEGMENTS - 1)
    wanted = [text_pattern(segment, variables=variables) for segment in segments]

    def matches(text: str, context: Context) -> bool:
        found = text.split(":", _ARN_SEGMENTS - 1)
        return len(found) == len(wanted) == _ARN_SEGMENTS and all(
            one(segment, context) for one, segment in zip(wanted, found, strict=True)
        )

    return matches


def _of_regex(pattern: str, make: Callable[[str], re.Pattern[str]]) -> Matches:
    prefix = pattern[:-1]
    if pattern[-1] == "*" and not set("*?") & set(prefix) and make is _arn_regex:
        return lambda text, context: text.startswith(prefix)
    fullmatch = make(_marked(pattern)).fullmatch
    return lambda text, context: fullmatch(text) is not None


def _with_variables(pattern: str, make: Callable[[str], re.Pattern[str]]) -> Matches:
    parts = _VARIABLE.split(pattern)

    def matches(text: str, context: Context) -> bool:
        resolved = []
        for position, part in enumerate(parts):
            value = _value(part, context) if position % 2 else _marked(part)
            if value is None:
                return False
            resolved.append(value)
        return make("".join(resolved)).fullmatch(text) is not None

    return matches


def _value(variable: str, context: Context) -> str | None:
    if variable in _LITERALS:
        return variable
    name, comma, default = variable.partition(",")
    value = context.get(name.strip().lower())
    if isinstance(value, str):
        return value
    return default.strip().strip("'") if comma else None


# What a wildcard of the policy is called between the two steps, so that the value of a variable
# may contain the characters and still stand for itself.
_ANY, _ONE = "\ue000", "\ue001"


def _marked(text: str) -> str:
    return text.replace("*", _ANY).replace("?", _ONE)


@functools.lru_cache(maxsize=4096)
def _regex(marked: str, *, wildcards: bool, ignore_case: bool) -> re.Pattern[str]:
    if wildcards:
        expression = re.escape(marked).replace(_ANY, ".*").replace(_ONE, ".")
    else:
        expression = re.escape(marked.replace(_ANY, "*").replace(_ONE, "?"))
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@functools.lru_cache(maxsize=4096)
def _arn_regex(marked: str) -> re.Pattern[str]:
    segments = marked.split(":", _ARN_SEGMENTS - 1)
    return re.compile(
        ":".join(
            _segment(segment, last=position == _ARN_SEGMENTS - 1)
            for position, segment in enumerate(segments)
        ),
        re.DOTALL,
    )


def _segment(marked: str, *, last: bool) -> str:
    if last:
        return re.escape(marked).replace(_ANY, ".*").replace(_ONE, ".")
    inner = marked.removesuffix(_ANY)
    within = re.escape(inner).replace(_ANY, "[^:]*").replace(_ONE, "[^:]")
    return within + (".*" if inner != marked else "")
