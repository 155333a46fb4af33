"""Retry strategies: whether a failed attempt is followed by another.

https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.batch.errors import client_exception

_MOST_ATTEMPTS = 10
_MOST_CONDITIONS = 5
_CONDITIONS = ("onStatusReason", "onReason", "onExitCode")
_PATTERNS = {
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]{0,512}\*?"),
    "onExitCode": re.compile(r"[0-9]{0,512}\*?"),
}


@dataclass(frozen=True)
class RetryStrategy:
    """`conditions` are evaluateOnExit, in order."""

    attempts: int = 1
    conditions: Sequence[Mapping[str, str]] = ()

    def again(
        self, made: int, *, status_reason: str, reason: str | None, exit_code: int | None
    ) -> bool:
        """Whether a job whose attempt number `made` failed like this is tried once more."""
        if made >= self.attempts:
            return False
        actual = {
            "onStatusReason": status_reason,
            "onReason": reason or "",
            "onExitCode": "" if exit_code is None else str(exit_code),
        }
        for condition in self.conditions:
            wanted = {name: condition[name] for name in _CONDITIONS if name in condition}
            if all(_matches(pattern, actual[name]) for name, pattern in wanted.items()):
                return condition["action"].upper() == "RETRY"
        return True

    def describe(self) -> dict[str, Any]:
        return {"attempts": self.attempts, "evaluateOnExit": list(self.conditions)}


def retry_strategy(given: Mapping[str, Any] | None) -> RetryStrategy:
    """What a request says; raises Refused for one outside AWS's limits."""
    if not given:
        return RetryStrategy()
    conditions = given.get("evaluateOnExit", [])
    attempts = given.get("attempts", 1)
    if not 1 <= attempts <= _MOST_ATTEMPTS:
        raise client_exception(
            f"retryStrategy.attempts: {attempts}; allowed: 1 to {_MOST_ATTEMPTS}"
        )
    if conditions and "attempts" not in given:
        raise client_exception("retryStrategy.attempts is required with evaluateOnExit")
    if len(conditions) > _MOST_CONDITIONS:
        raise client_exception(
            f"retryStrategy.evaluateOnExit: {len(conditions)} conditions; "
            f"allowed: at most {_MOST_CONDITIONS}"
        )
    for condition in conditions:
        if condition["action"].upper() not in ("RETRY", "EXIT"):
            raise client_exception(
                f"evaluateOnExit.action: {condition['action']!r}; allowed: RETRY, EXIT"
            )
        for name, allowed in _PATTERNS.items():
            if name in condition and not allowed.fullmatch(condition[name]):
                raise client_exception(
                    f"evaluateOnExit.{name}: {condition[name]!r}; allowed: {allowed.pattern}"
                )
    return RetryStrategy(attempts, tuple(conditions))


def _matches(pattern: str, text: str) -> bool:
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
