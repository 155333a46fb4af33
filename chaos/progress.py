"""Shows how far the campaign is: a bar on a terminal, a line for each wave anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class CampaignProgress:
    """Counts jobs; use it as a context manager around the campaign."""

    def __init__(self, console: Console, jobs: int) -> None:
        self._console = console
        self._jobs = jobs
        self._done = 0
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("jobs"),
                TimeElapsedColumn(),
                console=console,
            )
            self._task = self._bar.add_task("starting", total=jobs)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """What is going on."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)
        else:
            self.line(text)

    def done(self, jobs: int, text: str) -> None:
        """So many more jobs are judged."""
        self._done += jobs
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, description=text)
        else:
            self.line(f"{self._done} of {self._jobs} jobs: {text}")

    def line(self, text: str) -> None:
        """A line that stays, on a terminal too."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
