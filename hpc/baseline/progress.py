"""Shows how an array job comes along: a bar on a terminal, a handful of plain lines anywhere else.

It only shows; what a child's state means is decided in `array_job`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass(frozen=True, kw_only=True)
class ArrayProgress:
    """How many children there are, and how many of them are how far."""

    total: int
    running: int
    succeeded: int
    failed: int
    ended: bool

    @property
    def phase(self) -> str:
        """What is happening, in a word or two."""
        if self.ended:
            return "failed" if self.failed else "succeeded"
        return "classifying" if self.running or self.succeeded else "starting machines"


class ArrayView(AbstractContextManager["ArrayView"], Protocol):
    """What watches an array job, told of everything seen."""

    def show(self, progress: ArrayProgress, elapsed_s: float) -> None:
        """Take notice."""
        ...


def array_view(console: Console, job_id: str) -> ArrayView:
    """The bar when `console` is a terminal, the lines otherwise (logs, pipes, CI)."""
    return ArrayBar(console, job_id) if console.is_terminal else ArrayLines(console, job_id)


class ArrayBar:
    """A progress bar over children."""

    def __init__(self, console: Console, job_id: str) -> None:
        self._progress = Progress(
            TextColumn("[bold]{task.description:<17}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("containers"),
            TimeElapsedColumn(),
            console=console,
        )
        console.print(f"baseline [bold]{job_id}[/bold]", highlight=False)
        self._task = self._progress.add_task("submitted", total=None)

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

    def show(self, progress: ArrayProgress, elapsed_s: float) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            description=progress.phase,
            total=progress.total,
            completed=progress.succeeded,
        )


class ArrayLines:
    """One line whenever the phase changes, with how many containers are done."""

    def __init__(self, console: Console, job_id: str) -> None:
        self._console = console
        self._job_id = job_id
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, progress: ArrayProgress, elapsed_s: float) -> None:
        """Say a line where there is something new to say."""
        if progress.phase == self._phase:
            return
        self._phase = progress.phase
        self._console.print(
            f"baseline {self._job_id}: {progress.phase}, {progress.succeeded} of "
            f"{progress.total} containers done ({elapsed_s:.1f} s)",
            highlight=False,
            soft_wrap=True,
        )
