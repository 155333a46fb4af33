"""How much may run at once and how long it may take: AWS's limits, and this machine's."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ServiceLimits:
    """Limits of one account and region; the defaults are a new account's.

    `account_concurrency` and `scaling_burst` (environments started per function in 10 s) refuse
    with 429; `init_s` bounds INIT. `width` is this machine's: how many environments of one version
    run at once; more invocations wait. As many as cores are measured best: twice as many make a
    cold job of 30 shards take a quarter longer and a warm one no shorter. An unused environment
    stays for `idle_s` seconds.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    account_concurrency: int = 1000
    scaling_burst: int = 1000
    init_s: float = 10.0
    width: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    idle_s: float = 300.0
