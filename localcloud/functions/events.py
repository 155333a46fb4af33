"""Asynchronous invocations in line: when each is tried again, and when it is given up.

A function error is tried again twice, after one minute and then two. What Lambda itself refuses
for want of capacity or by a fault of its own goes back to the queue, at first for a second and
then twice as long each time up to five minutes, until the event is six hours old. What runs, and
what is told of the end, is decided by the two callables.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

from localcloud.functions.errors import ServiceError

log = logging.getLogger(__name__)

RETRY_DELAYS_S = (60.0, 120.0)
MAXIMUM_AGE_S = 6 * 3600.0

_FIRST_RETURN_S = 1.0
_LONGEST_RETURN_S = 300.0


class Verdict(Enum):
    """What came of one attempt."""

    DONE = "done"
    FAILED = "the function failed"
    RETURNED = "refused for want of capacity, or by a fault of the service"
    REFUSED = "refused for good"


class Condition(Enum):
    """Why an event left the queue, in the words of AWS's invocation records."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"


@dataclass(frozen=True)
class Attempt:
    """One attempt: `payload` and `executed_version` where code ran, else the `refusal`."""

    verdict: Verdict
    payload: bytes = b""
    executed_version: str = ""
    refusal: ServiceError | None = None


@dataclass(frozen=True)
class Event:
    """One asynchronous invocation; `queued_at` is in monotonic seconds.

    `invocations` counts the attempts that ran code, `returns` those refused since the last of them.
    """

    function: str
    qualifier: str | None
    payload: bytes
    request_id: str
    queued_at: float
    maximum_retries: int = len(RETRY_DELAYS_S)
    maximum_age_s: float = MAXIMUM_AGE_S
    invocations: int = 0
    returns: int = 0


def return_delay_s(returns: int) -> float:
    """How long an event waits that was refused `returns` times before."""
    return float(min(_FIRST_RETURN_S * 2**returns, _LONGEST_RETURN_S))


class EventQueue:
    """Runs events by `attempt` in `workers` threads, started with the first event.

    `conclude` gets each event that is done or given up, with its last attempt if it had one.
    """

    def __init__(
        self,
        attempt: Callable[[Event], Attempt],
        conclude: Callable[[Event, Condition, Attempt | None], None],
        *,
        workers: int = 8,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
        return_delay_s: Callable[[int], float] = return_delay_s,
    ) -> None:
        self._attempt = attempt
        self._conclude = conclude
        self._retry_delays_s = retry_delays_s
        self._return_delay_s = return_delay_s
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
                    self._executor.submit(self._run_logged, event)
                    continue
                self._changed.wait(self._due[0][0] - now if self._due else None)

    def _run_logged(self, event: Event) -> None:
        try:
            self._run(event)
        except Exception:
            log.exception("event %s of %s: its end is not told", event.request_id, event.function)

    def _run(self, event: Event) -> None:
        if time.monotonic() - event.queued_at > event.maximum_age_s:
            self._conclude(event, Condition.EVENT_AGE_EXCEEDED, None)
            return
        attempt = self._attempt(event)
        if attempt.verdict is Verdict.RETURNED:
            self._again(
                self._return_delay_s(event.returns),
                replace(event, returns=event.returns + 1),
                attempt,
            )
            return
        if attempt.verdict is Verdict.REFUSED:
            self._conclude(event, Condition.RETRIES_EXHAUSTED, attempt)
            return
        ran = replace(event, invocations=event.invocations + 1, returns=0)
        if attempt.verdict is Verdict.DONE:
            self._conclude(ran, Condition.SUCCESS, attempt)
        elif event.invocations < event.maximum_retries:
            self._again(self._retry_delays_s[event.invocations], ran, attempt)
        else:
            self._conclude(ran, Condition.RETRIES_EXHAUSTED, attempt)

    def _again(self, delay_s: float, event: Event, attempt: Attempt) -> None:
        due = time.monotonic() + delay_s
        if due - event.queued_at <= event.maximum_age_s:
            self._put_at(due, event)
        else:
            self._conclude(event, Condition.EVENT_AGE_EXCEEDED, attempt)
