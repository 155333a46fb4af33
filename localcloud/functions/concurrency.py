"""Admits invocations under Lambda's concurrency limits, or refuses them with AWS's reason.

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

ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"


class ScalingRate:
    """A token bucket of environment starts: `burst` at once, refilled at `burst` per `period_s`.

    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
    """

    def __init__(
        self,
        burst: int = 1000,
        period_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = burst / period_s
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, function_name: str) -> None:
        """Take one start for a function; raises TooManyRequestsError if none is left."""
        with self._lock:
            now = self._clock()
            left, since = self._left.get(function_name, (float(self._burst), now))
            left = min(float(self._burst), left + (now - since) * self._per_second)
            if left < 1:
                self._left[function_name] = (left, now)
                raise TooManyRequestsError(ACCOUNT_LIMIT)
            self._left[function_name] = (left - 1, now)


class ConcurrencyLimits:
    """Counts the invocations in flight of one account and region."""

    def __init__(self, account_limit: int = 1000) -> None:
        self._account_limit = account_limit
        self._in_flight: Counter[str] = Counter()
        self._unreserved = 0
        self._lock = threading.Lock()

    @contextmanager
    def admitted(
        self, function_name: str, *, reserved: int | None, reserved_total: int
    ) -> Iterator[int]:
        """Hold a place for one invocation; gives the function's concurrency including it.

        `reserved` is the function's own reservation, `reserved_total` that of all functions. Raises
        TooManyRequestsError.
        """
        with self._lock:
            if reserved is not None and self._in_flight[function_name] >= reserved:
                raise TooManyRequestsError(RESERVED_LIMIT)
            if reserved is None and self._unreserved >= self._account_limit - reserved_total:
                raise TooManyRequestsError(ACCOUNT_LIMIT)
            self._in_flight[function_name] += 1
            self._unreserved += reserved is None
            concurrency = self._in_flight[function_name]
        try:
            yield concurrency
        finally:
            with self._lock:
                self._in_flight[function_name] -= 1
                self._unreserved -= reserved is None

    def total(self) -> int:
        """Invocations in flight of all functions."""
        with self._lock:
            return self._in_flight.total()
