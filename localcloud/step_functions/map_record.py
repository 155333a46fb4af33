"""What is known of one map run, live and afterwards: its children, limits, counts and redrives.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
It decides nothing about which children run; map_run.py does.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, cast

from moto.stepfunctions.parser.api import ExecutionStatus, MapRunStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (  # noqa: E501
    MapRunRecord,
)

from localcloud.step_functions.history import REDRIVABLE_EVENTS
from localcloud.step_functions.map_children import FAILURES, ChildExecution

_COUNTED_AS = {
    ExecutionStatus.RUNNING: "running",
    ExecutionStatus.SUCCEEDED: "succeeded",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.ABORTED: "aborted",
    ExecutionStatus.TIMED_OUT: "timedOut",
    ExecutionStatus.PENDING_REDRIVE: "pendingRedrive",
}
_COUNTS = (
    "pending",
    *_COUNTED_AS.values(),
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
)


class RecordedMapRun(MapRunRecord):
    """moto's record of a map run, with its children by the order of their inputs.

    `inputs` has one entry for each child (an item, or the whole input where items are batched);
    it goes when the map has succeeded.
    """

    def __init__(self, *, express: bool, definition: str, **described: Any) -> None:
        super().__init__(**described)
        self.express = express
        self.definition = definition
        self.inputs: list[Any] = []
        self.item_counts: list[int] | None = None
        self.children: list[ChildExecution | None] = []
        self.redrive_count = 0
        self.redrive_date: datetime.datetime | None = None
        self.results_written = False
        self.failures = 0
        self.on_update: Callable[[], None] = _nothing

    def plan(self, inputs: list[Any], item_counts: list[int] | None) -> None:
        """Plan one child for each of `inputs`; `item_counts` where a child has several items."""
        self.inputs, self.item_counts = inputs, item_counts
        self.children = [None] * len(inputs)

    def resumed(self) -> RecordedMapRun:
        """A redriven map run is the same map run."""
        return self

    def started(self) -> list[ChildExecution]:
        return [child for child in self.children if child is not None]

    def item_count(self, index: int) -> int:
        return 1 if self.item_counts is None else self.item_counts[index]

    @property
    def total_items(self) -> int:
        return len(self.children) if self.item_counts is None else sum(self.item_counts)

    def exceeds_tolerance(self) -> bool:
        """Whether more items failed than may. 0 is "not set"; with neither set, none may fail.

        https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
        """
        count, percentage = self.tolerated_failure_count, self.tolerated_failure_percentage
        if not count and not percentage:
            return self.failures > 0
        if count and self.failures > count:
            return True
        return bool(percentage) and self.failures * 100 > percentage * self.total_items

    def redrivable(self, child: ChildExecution) -> bool:
        """EXPRESS children are started anew, so their history is no obstacle."""
        return self.express or child.event_count < REDRIVABLE_EVENTS

    def update(
        self,
        max_concurrency: int | None,
        tolerated_failure_count: int | None,
        tolerated_failure_percentage: float | None,
    ) -> None:
        super().update(max_concurrency, tolerated_failure_count, tolerated_failure_percentage)
        self.on_update()

    def describe(self) -> Any:
        described: dict[str, Any] = cast("dict[str, Any]", super().describe())
        described["executionCounts"], described["itemCounts"] = self._counts()
        described["redriveCount"] = self.redrive_count
        if self.redrive_date is not None:
            described["redriveDate"] = self.redrive_date
        return described

    def _counts(self) -> tuple[dict[str, int], dict[str, int]]:
        executions, items = dict.fromkeys(_COUNTS, 0), dict.fromkeys(_COUNTS, 0)
        for index, child in enumerate(self.children):
            for counts, weight in ((executions, 1), (items, self.item_count(index))):
                counts["total"] += weight
                counts["pending" if child is None else _COUNTED_AS[child.status]] += weight
                if child is not None and child.unsuccessful and not self.redrivable(child):
                    counts["failuresNotRedrivable"] += weight
                if child is not None and self.results_written:
                    counts["resultsWritten"] += weight
        return executions, items

    def redrive(self) -> None:
        """Count a redrive, and let what was unsuccessful wait for it."""
        self.redrive_count += 1
        self.redrive_date = datetime.datetime.now(tz=datetime.UTC)
        self.status, self.stop_date = MapRunStatus.RUNNING, None
        self.failures = 0
        for child in self.started():
            if child.unsuccessful and self.redrivable(child):
                child.await_redrive()
            elif child.status in FAILURES:
                self.failures += child.item_count

    def forget_map_run(self) -> None:
        """Nothing more is started: no update matters, and nobody waits any more."""
        self.on_update = _nothing
        for child in self.started():
            child.give_up_redrive()


def _nothing() -> None:
    """No map run listens for updates yet, or any more."""
