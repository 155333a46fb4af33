"""Admits invocations under Lambda's limits of capacity, or refuses them with AWS's reason.

AWS queues no synchronous call: over a limit it answers 429. How many processes this machine can
run is another matter and not decided here.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from localcloud.functions.errors import TooManyRequestsError
from localcloud.functions.limits import REQUESTS_PER_S_AND_CONCURRENCY
from localcloud.throttle import Throttle

# https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/lambda/aws.sdk.kotlin.services.lambda.model/-throttle-reason
ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT_RATE = "FunctionInvocationRateLimitExceeded"
RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"


class ScalingRate:
    """Environment starts of each function: `burst` at once, refilled at `burst` per `period_s`.

    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
    """

    def __init__(
        self,
        burst: int = 1000,
        period_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = (burst / period_s, burst)
        self._starts = Throttle(clock)

    def take(self, function_name: str) -> None:
        """Take one start for a function; raises TooManyRequestsError if none is left."""
        if not self._starts.allows((function_name,), self._limits):
            # AWS names no reason of its own for this: it is concurrency that cannot be had.
            raise TooManyRequestsError(ACCOUNT_LIMIT)


class ConcurrencyLimits:
    """Counts the invocations in flight, and the requests per second, of one account and region."""

    def __init__(
        self, account_limit: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account_limit = account_limit
        self._in_flight: Counter[str] = Counter()
        self._unreserved = 0
        self._requests = Throttle(clock)
        self._lock = threading.Lock()

    @contextmanager
    def admitted(
        self,
        function_name: str,
        *,
        reserved: int | None,
        reserved_total: int,
        synchronous: bool = True,
    ) -> Iterator[int]:
        """Hold a place for one invocation; gives the function's concurrency including it.

        `reserved` is the function's own reservation, `reserved_total` that of all functions. The
        rate of requests is limited for synchronous ones only, as AWS's quotas say. Raises
        TooManyRequestsError.
        """
        limit = self._account_limit - reserved_total if reserved is None else reserved
        with self._lock:
            running = self._unreserved if reserved is None else self._in_flight[function_name]
            if running >= limit:
                raise TooManyRequestsError(ACCOUNT_LIMIT if reserved is None else RESERVED_LIMIT)
            if synchronous:
                self._take_request(None if reserved is None else function_name, limit)
            self._in_flight[function_name] += 1
            self._unreserved += reserved is None
            concurrency = self._in_flight[function_name]
        try:
            yield concurrency
        finally:
            with self._lock:
                self._in_flight[function_name] -= 1
                self._unreserved -= reserved is None

    def _take_request(self, reserving: str | None, limit: int) -> None:
        per_s = limit * REQUESTS_PER_S_AND_CONCURRENCY
        key = () if reserving is None else (reserving,)
        if not self._requests.allows(key, (float(per_s), per_s)):
            raise TooManyRequestsError(ACCOUNT_RATE if reserving is None else RESERVED_RATE)
