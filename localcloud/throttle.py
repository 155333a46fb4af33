"""Token buckets: filled at a rate, as deep as the burst. AWS throttles requests and starts so.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class _Bucket:
    rate_per_s: float
    burst: int
    tokens: float
    filled_at_s: float


class Throttle:
    """Buckets by key; a bucket begins full, and anew when its limits change."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def allows(self, key: tuple[str, ...], limits: tuple[float, int]) -> bool:
        """Take a token; False when there is none. `limits`: tokens per second and burst."""
        rate_per_s, burst = limits
        with self._lock:
            now_s = self._clock()
            bucket = self._buckets.get(key)
            if bucket is None or (bucket.rate_per_s, bucket.burst) != limits:
                bucket = self._buckets[key] = _Bucket(rate_per_s, burst, burst, now_s)
            refill = (now_s - bucket.filled_at_s) * rate_per_s
            bucket.tokens = min(bucket.tokens + refill, burst)
            bucket.filled_at_s = now_s
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True
