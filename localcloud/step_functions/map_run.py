"""Runs the children of a Distributed Map: bounded, counted live, failing as soon as it must.

Thresholds: https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
It decides how many children run and when the map has failed; map_children.py runs each of them.
Threads grow in steps up to MaxConcurrency, and only while this process has processor time to spare:
more of them would run no more children at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, MapRunStatus
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localcloud.step_functions.map_children import (
    FAILURES,
    Attempt,
    ChildExecution,
    ChildWorkflow,
    Outcome,
)
from localcloud.step_functions.map_record import RecordedMapRun
from localcloud.step_functions.redrive import now
from localcloud.step_functions.stopping import keep_stop

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_CONCURRENT_CHILDREN = 10_000
EXPRESS_LIMIT_S = 300.0

_FIRST_THREADS = 32
_GROWTH_STEP_S = 0.05
_BUSY = 0.8


@dataclass
class MapRun:
    """One attempt at a map run. `run` blocks until every child ended or the map failed."""

    env: Environment
    workflow: ChildWorkflow
    record: RecordedMapRun
    child_input: Callable[[Environment, int], Any]

    def __post_init__(self) -> None:
        self.failed = False
        self._closed = False
        self._lock = threading.Lock()
        self._news: SimpleQueue[None] = SimpleQueue()
        self._threads = 0
        self._taken = 0
        self._open: dict[int, tuple[Attempt, float]] = {}
        self._waiting = deque(
            index for index, child in enumerate(self.record.children) if _is_to_run(child)
        )

    def run(self) -> None:
        keep_stop(self.env, self._tell)
        self.record.on_update = self._tell
        threads = _FIRST_THREADS
        try:
            while not self._is_over():
                self._start_threads(threads)
                threads = self._await_news()
        finally:
            self._close()

    def _tell(self) -> None:
        self._news.put(None)

    def _is_over(self) -> bool:
        with self._lock:
            self.failed = self.record.exceeds_tolerance()
            ended = not self._waiting and not self._taken
            return self.failed or ended or not self.env.is_running()

    def _limit(self) -> int:
        return min(self.record.max_concurrency or MAX_CONCURRENT_CHILDREN, MAX_CONCURRENT_CHILDREN)

    def _room(self) -> int:
        return min(self._limit() - self._threads, len(self._waiting))

    def _start_threads(self, at_most: int) -> None:
        with self._lock:
            added = max(0, min(at_most if self._threads else _FIRST_THREADS, self._room()))
            self._threads += added
        for _ in range(added):
            threading.Thread(target=self._work, name="map-children", daemon=True).start()

    def _await_news(self) -> int:
        """Wait until the map may be over or needs more threads; returns how many more."""
        with self._lock:
            growing = self._room() > 0
            patience_s = _GROWTH_STEP_S if growing else self._until_expiry_s()
        cpu_s, wall_s = time.process_time(), time.monotonic()
        try:
            self._news.get(timeout=patience_s)
        except Empty:
            busy = (time.process_time() - cpu_s) / (time.monotonic() - wall_s)
            return self._expire() + (self._threads if growing and busy < _BUSY else 0)
        return self._expire()

    def _until_expiry_s(self) -> float | None:
        if not self.workflow.express or not self._open:
            return None
        _, since_s = next(iter(self._open.values()))
        return max(0.0, since_s + EXPRESS_LIMIT_S - time.monotonic())

    def _expire(self) -> int:
        """End EXPRESS children at their limit; their threads, which hang, are replaced."""
        if not self.workflow.express:
            return 0
        before_s = time.monotonic() - EXPRESS_LIMIT_S
        with self._lock:
            late = [index for index, (_, since_s) in self._open.items() if since_s <= before_s]
            for index in late:
                attempt, _ = self._open.pop(index)
                attempt.frame.set_timed_out()
                self._end(attempt, Outcome(ExecutionStatus.TIMED_OUT, error="States.Timeout"))
                self._threads -= 1
        return len(late)

    def _work(self) -> None:
        while (index := self._take()) is not None:
            if not self._run_child(index):
                return

    def _take(self) -> int | None:
        with self._lock:
            over = self.failed or self._closed or not self.env.is_running()
            if over or not self._waiting or self._threads > self._limit():
                self._threads -= 1
                return None
            self._taken += 1
            return self._waiting.popleft()

    def _run_child(self, index: int) -> bool:
        """Run one child to its end; False if the map no longer waits for it."""
        frame = self.env.open_inner_frame()
        with self._lock:
            if self._closed:
                self.env.delete_frame(frame)
                return False
            attempt = self.workflow.attempt(self._child(index), frame)
            self._open[index] = (attempt, time.monotonic())
        outcome = self.workflow.run(attempt, lambda frame: self.child_input(frame, index))
        self.env.delete_frame(frame)
        with self._lock:
            if self._open.pop(index, None) is None:
                return False
            self._end(attempt, outcome)
            return True

    def _child(self, index: int) -> ChildExecution:
        child = self.record.children[index]
        if child is None or self.workflow.express:
            child = self.workflow.new_child(self.record.item_count(index))
            self.record.children[index] = child
        else:
            child.start_redrive()
        return child

    def _end(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.end(outcome, standard=not self.workflow.express)
        self._taken -= 1
        if attempt.child.status in FAILURES:
            self.record.failures += attempt.child.item_count
            self.failed = self.failed or self.record.exceeds_tolerance()
        if self.failed or (not self._waiting and not self._taken):
            self._tell()

    def _close(self) -> None:
        """Stop what still runs without waiting: a hanging child does not hold a failed map."""
        with self._lock:
            self._closed = True
            self.record.forget_map_run()
            for attempt, _ in self._open.values():
                attempt.frame.set_stop(stop_date=now(), cause=None, error=None)
                attempt.end(Outcome(ExecutionStatus.ABORTED), standard=not self.workflow.express)
            self._open.clear()
        if not self.env.is_running():
            self.record.set_stop(status=MapRunStatus.ABORTED)


def _is_to_run(child: ChildExecution | None) -> bool:
    return child is None or child.status == ExecutionStatus.PENDING_REDRIVE
