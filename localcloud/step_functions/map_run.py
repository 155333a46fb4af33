"""Runs the children of a Distributed Map: bounded, counted live, failing as soon as it must.

Thresholds: https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
It decides how many children run and when the map has failed; map_children.py runs each of them.
"""

from __future__ import annotations

import datetime
import threading
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, MapRunStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (  # noqa: E501
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localcloud.step_functions.map_children import ChildExecution, ChildWorkflow

# As many as an account's functions run at once by default; AWS allows a map 10,000.
MAX_CONCURRENT_CHILDREN = 1_000

_COUNTER = {
    ExecutionStatus.SUCCEEDED: "succeeded",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.ABORTED: "aborted",
}


@dataclass(frozen=True)
class Tolerance:
    """How many children may fail. 0 is "not set", and with neither set not one may fail."""

    count: int
    percentage: float

    def exceeded(self, failed: int, total: int) -> bool:
        if not failed:
            return False
        if not self.count and not self.percentage:
            return True
        over_count = bool(self.count) and failed > self.count
        return over_count or (bool(self.percentage) and failed * 100 > self.percentage * total)


class RecordedMapRun(MapRunRecord):
    """moto's record of a map run, with its children."""

    def __init__(self, **described: Any) -> None:
        super().__init__(**described)
        self.children: list[ChildExecution] = []

    def count(self, counter: str, change: int) -> None:
        """Items and executions count alike: every child has one item."""
        for counters in (self.item_counter, self.execution_counter):
            getattr(counters, counter).offset(change)


@dataclass
class MapRun:
    """One run over `items`. `run` blocks until every child ended or the map failed."""

    env: Environment
    workflow: ChildWorkflow
    items: list[Any]
    record: RecordedMapRun
    tolerance: Tolerance
    outputs: list[Any] = field(init=False)
    first_failure: ChildExecution | None = field(init=False, default=None)
    failed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.outputs = [None] * len(self.items)
        self._changed = threading.Condition()
        self._next_index = 0
        self._live_workers = 0
        self._open: dict[Environment, ChildExecution] = {}

    def run(self) -> None:
        self.record.count("total", len(self.items))
        self.record.count("pending", len(self.items))
        limit = self.record.max_concurrency or MAX_CONCURRENT_CHILDREN
        self._live_workers = min(len(self.items), limit, MAX_CONCURRENT_CHILDREN)
        for _ in range(self._live_workers):
            threading.Thread(target=self._work, daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self.failed or not self._live_workers)
            self._close()

    def _work(self) -> None:
        try:
            while (index := self._take()) is not None:
                self._run_child(index)
        finally:
            with self._changed:
                self._live_workers -= 1
                self._changed.notify_all()

    def _take(self) -> int | None:
        with self._changed:
            if self.failed or self._next_index == len(self.items) or not self.env.is_running():
                return None
            self._next_index += 1
            self.record.count("pending", -1)
            self.record.count("running", 1)
            return self._next_index - 1

    def _run_child(self, index: int) -> None:
        child = self.workflow.new_child()
        frame = self.env.open_inner_frame()
        with self._changed:
            self.record.children.append(child)
            self._open[frame] = child
        output = self.workflow.run(child, frame, index, self.items[index])
        self.env.delete_frame(frame)
        with self._changed:
            if self._open.pop(frame, None) is not None:
                self.outputs[index] = output
                self._count_end(child)

    def _count_end(self, child: ChildExecution) -> None:
        self.record.count("running", -1)
        self.record.count(_COUNTER[child.status], 1)
        if child.status == ExecutionStatus.FAILED:
            self.first_failure = self.first_failure or child
            failures = self.record.item_counter.failed.get()
            self.failed = self.tolerance.exceeded(failures, len(self.items))
            self._changed.notify_all()

    def _close(self) -> None:
        """Stop what still runs without waiting: a hanging child does not hold a failed map."""
        now = datetime.datetime.now(tz=datetime.UTC)
        for frame, child in self._open.items():
            frame.set_stop(stop_date=now, cause=None, error=None)
            child.status, child.stop_date = ExecutionStatus.ABORTED, now
            self.record.count("running", -1)
            self.record.count("aborted", 1)
        self._open.clear()
        if not self.env.is_running():
            self.record.set_stop(status=MapRunStatus.ABORTED)
