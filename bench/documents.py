"""Puts the tables of a run into a document, between two marks, and touches nothing else of it."""

from __future__ import annotations

from pathlib import Path

BEGIN = "<!-- figures: written by `python -m bench --write-docs` -->"
END = "<!-- end of figures -->"


def replace_figures(document: Path, figures: str) -> None:
    """Replace what stands between the marks. Raises ValueError unless each is there once."""
    text = document.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ValueError(f"{document}: needed, once and in this order: {BEGIN!r}, {END!r}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n\n{figures}\n{END}{after}")
