"""How much may run at once and how long it may take: AWS's limits, and this machine's."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

# "10 times your concurrency": of the account, of a reservation, of provisioned concurrency.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
REQUESTS_PER_S_AND_CONCURRENCY = 10


@dataclass(frozen=True)
class ServiceLimits:
    """Limits of one account and region; the defaults are a new account's.

    `account_concurrency`, ten times as many requests per second, and `scaling_burst` (environments
    started per function in 10 s) refuse with 429; `init_s` bounds INIT. `width` is this machine's:
    how many environments of one version run at once; more invocations wait. As many as cores are
    measured best: twice as many make a cold job of 30 shards take a quarter longer and a warm one
    no shorter. An unused environment stays for `idle_s` seconds.

    Raises ValueError that names every field which is not a number of at least what is allowed.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    account_concurrency: int = 1000
    scaling_burst: int = 1000
    init_s: float = 10.0
    width: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    idle_s: float = 300.0

    def __post_init__(self) -> None:
        if refused := list(self._refused()):
            raise ValueError("; ".join(refused))

    def __str__(self) -> str:
        return ", ".join(f"{item.name}={getattr(self, item.name):g}" for item in fields(self))

    def _refused(self) -> Iterator[str]:
        for name in ("account_concurrency", "scaling_burst", "width"):
            count = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                yield f"{name}: {count!r}; allowed: a whole number of at least 1"
        if not _is_seconds(self.init_s) or self.init_s == 0:
            yield f"init_s: {self.init_s!r}; allowed: seconds, more than 0"
        if not _is_seconds(self.idle_s):
            yield f"idle_s: {self.idle_s!r}; allowed: seconds, 0 or more"


def _is_seconds(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
