"""Asynchronous invocations: queued, run apart from the caller, repeated as Lambda repeats them.

A function error is tried again twice, after one minute and then two; a refusal for concurrency is
tried again until the event is six hours old. What fails for good is dropped: destinations are not
modelled.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

RETRY_DELAYS_S = (60.0, 120.0)
MAXIMUM_AGE_S = 6 * 3600.0

_THROTTLED_DELAY_S = 1.0


class Verdict(Enum):
    """What came of one attempt."""

    DONE = "done"
    FAILED = "failed"
    THROTTLED = "throttled"


@dataclass(frozen=True)
class Event:
    """One asynchronous invocation; `queued_at` is in monotonic seconds."""

    function: str
    qualifier: str | None
    payload: bytes
    request_id: str
    queued_at: float
    maximum_retries: int = len(RETRY_DELAYS_S)
    maximum_age_s: float = MAXIMUM_AGE_S
    retries: int = 0


class EventQueue:
    """Runs events by `attempt` in `workers` threads, started with the first event."""

    def __init__(
        self,
        attempt: Callable[[Event], Verdict],
        *,
        workers: int = 8,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
    ) -> None:
        self._attempt = attempt
        self._retry_delays_s = retry_delays_s
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="lambda-event")
        self._due: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._scheduler: threading.Thread | None = None

    def put(self, event: Event) -> None:
        """Queue an event to be run at once."""
        self._put_at(time.monotonic(), event)

    @property
    def waiting(self) -> int:
        """How many events wait for their next attempt."""
        with self._changed:
            return len(self._due)

    def stop(self) -> None:
        """Drop what waits, and wait for the attempts in progress."""
        with self._changed:
            self._stopping = True
            self._due.clear()
            self._changed.notify_all()
        if self._scheduler is not None:
            self._scheduler.join()
        self._executor.shutdown(cancel_futures=True)

    def _put_at(self, due: float, event: Event) -> None:
        with self._changed:
            if self._stopping:
                return
            heapq.heappush(self._due, (due, next(self._order), event))
            if self._scheduler is None:
                self._scheduler = threading.Thread(target=self._schedule, name="lambda-events")
                self._scheduler.start()
            self._changed.notify_all()

    def _schedule(self) -> None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    _, _, event = heapq.heappop(self._due)
                    self._executor.submit(self._run, event)
                    continue
                self._changed.wait(self._due[0][0] - now if self._due else None)

    def _run(self, event: Event) -> None:
        verdict = self._attempt(event)
        now = time.monotonic()
        if verdict is Verdict.THROTTLED:
            delay_s, again = _THROTTLED_DELAY_S, event
        elif verdict is Verdict.FAILED and event.retries < event.maximum_retries:
            delay_s = self._retry_delays_s[event.retries]
            again = replace(event, retries=event.retries + 1)
        else:
            return
        if now + delay_s - event.queued_at <= event.maximum_age_s:
            self._put_at(now + delay_s, again)
