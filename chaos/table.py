"""The campaign's table: kinds of faults by what was done, and what became of the jobs they hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from chaos.judge import Outcome
from chaos.ledger import Judged, Struck
from chaos.plan import Kind

_COLUMNS = (
    "fault",
    "injected",
    "took effect",
    "jobs",
    "exact at once",
    "failed with a name",
    "exact after redrive",
    "violations",
)


@dataclass(frozen=True)
class Row:
    """Faults of one kind, and the jobs that were hit by at least one of them."""

    name: str
    injected: int
    took_effect: int
    jobs: int
    exact: int
    failed: int
    exact_after_redrive: int
    violations: int


def rows(struck: Sequence[Struck], judged: Sequence[Judged]) -> list[Row]:
    """A row for each kind that struck, and the sum, which counts a job once."""
    found = [
        _row(kind.value, [one for one in struck if one.kind is kind], judged)
        for kind in Kind
        if any(one.kind is kind for one in struck)
    ]
    hit = {one.job for one in struck}
    rest = [job for job in judged if job.job not in hit]
    total = _row("all", struck, judged)
    return [*found, _and_untouched(total, rest)]


def _row(name: str, struck: Sequence[Struck], judged: Sequence[Judged]) -> Row:
    hit = {one.job for one in struck}
    jobs = [job for job in judged if job.job in hit]
    return _and_untouched(
        Row(name, len(struck), sum(one.took_effect for one in struck), 0, 0, 0, 0, 0), jobs
    )


def _and_untouched(row: Row, jobs: Sequence[Judged]) -> Row:
    return Row(
        row.name,
        row.injected,
        row.took_effect,
        row.jobs + len(jobs),
        row.exact + sum(job.outcome == Outcome.EXACT for job in jobs),
        row.failed + sum(job.outcome == Outcome.FAILED for job in jobs),
        row.exact_after_redrive + sum(job.redriven == Outcome.EXACT for job in jobs),
        row.violations + sum(len(job.violations) for job in jobs),
    )


def table(seed: int, found: Sequence[Row]) -> Table:
    """The rows as they are printed."""
    shown = Table(title=f"fault campaign, seed {seed}")
    for column in _COLUMNS:
        shown.add_column(column, justify="left" if column == "fault" else "right")
    for row in found:
        if row is found[-1]:
            shown.add_section()
        violations = f"[red]{row.violations}[/red]" if row.violations else "0"
        figures = (
            row.injected,
            row.took_effect,
            row.jobs,
            row.exact,
            row.failed,
            row.exact_after_redrive,
        )
        shown.add_row(row.name, *(f"{figure:,}" for figure in figures), violations)
    return shown
