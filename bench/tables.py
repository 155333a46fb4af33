"""Tables of a run: for the terminal and, as Markdown, for docs/performance.md.

They show what was measured and whether the median keeps its goal; they leave nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from bench.record import Ratio, Result, Run, Series, spread

_HEADINGS = ("", "median", "least", "greatest", "", "goal", "")


def ratio_cells(ratio: Ratio) -> tuple[str, ...]:
    """Name, median, least, greatest, unit, goal, verdict."""
    told = spread(ratio.values)
    goal = "" if ratio.goal is None else f"{ratio.goal.sense} {ratio.goal.bound:g}"
    verdict = {None: "", True: "met", False: "MISSED"}[ratio.met]
    numbers = (number(told.median), number(told.least), number(told.greatest))
    return (ratio.name, *numbers, "", goal, verdict)


def series_cells(series: Series) -> tuple[str, ...]:
    """The same seven cells; a series has no goal."""
    told = spread(series.values)
    numbers = (number(told.median), number(told.least), number(told.greatest))
    return (series.name, *numbers, series.unit, "", "")


def number(value: float) -> str:
    """Three significant digits, whole from 100 on, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}"


def print_result(console: Console, result: Result) -> None:
    """One figure on the terminal."""
    console.print(_table(result))
    for note in result.notes:
        console.print(f"  [dim]{escape(note)}[/dim]")


def _table(result: Result) -> RenderableType:
    shown = Table(title=f"{result.title} ({result.seconds:,.0f} s)", title_justify="left")
    for column, heading in enumerate(_HEADINGS):
        shown.add_column(heading, justify="right" if 1 <= column <= 3 else "left")
    for series in result.series:
        shown.add_row(*(escape(cell) for cell in series_cells(series)))
    shown.add_section()
    for ratio in result.ratios:
        style = {None: "", True: "green", False: "red"}[ratio.met]
        shown.add_row(*(escape(cell) for cell in ratio_cells(ratio)), style=style)
    return shown


def markdown(run: Run) -> str:
    """The whole run: the machine, the ratios that have goals, and a table for each figure."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    machine = run.machine
    yield (
        f"Measured {run.started_at[:16].replace('T', ' ')} UTC on {machine.cores} cores "
        f"({machine.cpu}), {machine.memory_gb:g} GB, Python {machine.python}, load average before "
        f"{machine.load_before:g}; `python -m bench{' --quick' if run.effort == 'quick' else ''}`."
    )
    yield ""
    yield "| ratio | median | least – greatest | goal | |"
    yield "|---|---|---|---|---|"
    for result in run.results:
        for ratio in result.ratios:
            if ratio.goal is not None:
                name, middle, least, greatest, _, goal, verdict = ratio_cells(ratio)
                told = f"{result.title}: {name}"
                yield f"| {told} | **{middle}** | {least} – {greatest} | {goal} | {verdict} |"
    for result in run.results:
        yield ""
        yield f"**{result.title}** (`python -m bench {result.figure}`, {result.seconds:,.0f} s)"
        yield ""
        yield "| | median | least – greatest | |"
        yield "|---|---|---|---|"
        rows = [series_cells(one) for one in result.series]
        rows += [ratio_cells(one) for one in result.ratios if one.goal is None]
        for name, middle, least, greatest, unit, *_ in rows:
            yield f"| {name} | {middle} | {least} – {greatest} | {unit} |"
        if result.notes:
            yield ""
            yield " ".join(result.notes)
