"""What was asked and decided, kept for those who test for least privilege.

https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

_KEPT = 20_000


@dataclass(frozen=True)
class Decision:
    """`principal` is the ARN of the user or role, the name of a service, or "" for nobody."""

    principal: str
    action: str
    resource: str
    allowed: bool


class Decisions:
    """The latest decisions, each kind once: those of 10,000 equal calls are one."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._seen: OrderedDict[Decision, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, decision: Decision) -> None:
        with self._lock:
            self._seen[decision] = None
            self._seen.move_to_end(decision)
            if len(self._seen) > self._kept:
                self._seen.popitem(last=False)

    def all(self) -> list[Decision]:
        """The one that was made longest ago first."""
        with self._lock:
            return list(self._seen)
