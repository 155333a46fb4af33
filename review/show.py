"""How the sections are shown: in the terminal by rich, or as Markdown.

It decides nothing about their content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from review.page import Row, Section


def show(sections: Iterable[Section], console: Console) -> None:
    """Print every section; cells are text and never markup."""
    for section in sections:
        console.print()
        console.print(Text(section.title, style="bold"))
        if section.rows:
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            for column in section.columns:
                table.add_column(column, overflow="fold")
            for row in section.rows:
                table.add_row(*map(Text, row))
            console.print(table)
        if section.note:
            console.print(Text(section.note, style="dim"))
        for finding in section.findings:
            console.print(Text(f"! {finding}", style="bold red"))


def markdown(sections: Iterable[Section]) -> str:
    """The same as a page of Markdown."""
    return "\n".join(line for section in sections for line in _lines(section))


def table(columns: Row, rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a Markdown table."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _lines(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    for finding in section.findings:
        yield f"**{_cell(finding)}**"
        yield ""
    if section.rows:
        yield from table(section.columns, section.rows)
        yield ""
    if section.note:
        yield _cell(section.note)
        yield ""


def _cell(text: str) -> str:
    """Text as Markdown shows it: `*`, `<` and `|` mean themselves."""
    for mark in "\\|*<":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "<br>")
