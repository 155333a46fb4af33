"""Shows how a job comes along: a bar on a terminal, a handful of plain lines anywhere else.

It only shows; what the job's state means is decided in `job`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hpc.api import JobStatus, ShardCounts

_STEP_PERCENT = 10


class ProgressView(AbstractContextManager["ProgressView"], Protocol):
    """What watches a job: told of every status seen, with the seconds since the POST."""

    def show(self, status: JobStatus, elapsed_s: float) -> None:
        """Take notice of a status."""
        ...


def progress_view(console: Console, job_id: str) -> ProgressView:
    """The bar when `console` is a terminal, the lines otherwise (logs, pipes, CI)."""
    return BarView(console, job_id) if console.is_terminal else LineView(console, job_id)


def _phase(status: JobStatus) -> str:
    if status.status != "RUNNING":
        return status.status.lower()
    if status.shards is None:
        return "planning"
    if _settled(status.shards) < status.shards.total:
        return "classifying"
    return "reducing"


def _settled(shards: ShardCounts) -> int:
    """Shards that have a result, or none to come: a stage may tolerate that some are lost."""
    return shards.succeeded + shards.failed


def _lost(shards: ShardCounts) -> str:
    return f", {shards.failed} failed" if shards.failed else ""


class BarView:
    """A progress bar over shards."""

    def __init__(self, console: Console, job_id: str) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description:<11}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("shards{task.fields[lost]}"),
            TimeElapsedColumn(),
            console=console,
        )
        console.print(f"job [bold]{job_id}[/bold]", highlight=False)
        self._task = self._progress.add_task("planning", total=None, lost="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, status: JobStatus, elapsed_s: float) -> None:
        """Move the bar."""
        self._progress.update(self._task, description=_phase(status))
        if status.shards is not None:
            self._progress.update(
                self._task,
                total=status.shards.total,
                completed=status.shards.succeeded,
                lost=_lost(status.shards),
            )


class LineView:
    """One line at the start, one for each tenth of the shards, one at the end."""

    def __init__(self, console: Console, job_id: str) -> None:
        self._console = console
        self._job_id = job_id
        self._shown_percent = 0
        self._last: tuple[JobStatus, float] | None = None

    def __enter__(self) -> Self:
        self._line("submitted, waiting for it")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._last is not None:
            status, elapsed_s = self._last
            self._line(f"{status.status.lower()} after {elapsed_s:.1f} s")

    def show(self, status: JobStatus, elapsed_s: float) -> None:
        """Say a line when another tenth of the shards is done."""
        self._last = (status, elapsed_s)
        if status.shards is None or status.shards.total == 0:
            return
        done, total = status.shards.succeeded, status.shards.total
        percent = 100 * done // total // _STEP_PERCENT * _STEP_PERCENT
        if percent > self._shown_percent:
            self._shown_percent = percent
            lost = _lost(status.shards)
            self._line(f"{percent:3d} % ({done} of {total} shards{lost}, {elapsed_s:.1f} s)")

    def _line(self, text: str) -> None:
        self._console.print(f"job {self._job_id}: {text}", highlight=False, soft_wrap=True)
