from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.documents import BEGIN, END, replace_figures
from bench.record import Goal, Machine, Ratio, Result, Run, Series
from bench.tables import markdown, number, print_result

RESULT = Result(
    figure="cold-job",
    title="3,000 images",
    series=(Series(name="the job", unit="s", values=(1.0, 1.5, 4.0)),),
    ratios=(
        Ratio(name="kept", values=(70.0,), goal=Goal(sense="at least", bound=60)),
        Ratio(name="failed", values=(50.0,), goal=Goal(sense="at least", bound=60)),
        Ratio(name="beside", values=(0.5,)),
    ),
    notes=("A note.",),
    seconds=12.0,
)
RUN = Run(
    started_at="2026-01-31T12:00:00+00:00",
    effort="quick",
    machine=Machine(
        cores=2,
        cpu="A CPU",
        memory_gb=4.0,
        system="Linux",
        python="3.11.0",
        versions={},
        load_before=0.25,
    ),
    results=(RESULT,),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (99.94, "99.9"), (1.234, "1.23"), (0.0256, "0.026"), (0.0, "0.000")],
)
def test_number_has_three_digits_and_no_exponent(value, text):
    assert number(value) == text


def test_markdown_tells_every_goal_and_whether_it_is_met():
    lines = markdown(RUN).splitlines()
    assert "| 3,000 images: kept | **70.0** | 70.0 – 70.0 | at least 60 | met |" in lines
    assert "| 3,000 images: failed | **50.0** | 50.0 – 50.0 | at least 60 | MISSED |" in lines


def test_markdown_has_all_that_was_measured_and_where():
    text = markdown(RUN)
    assert "| the job | 1.50 | 1.00 – 4.00 | s |" in text
    assert "| beside | 0.500 | 0.500 – 0.500 |  |" in text
    assert "A note." in text
    assert "2 cores (A CPU)" in text
    assert "load average before 0.25" in text
    assert "--quick" in text


def test_terminal_shows_the_missed_goal():
    console = Console(file=io.StringIO(), width=200)
    print_result(console, RESULT)
    assert "MISSED" in console.file.getvalue()
    assert "12 s" in console.file.getvalue()


def test_only_what_stands_between_the_marks_is_replaced(tmp_path):
    document = tmp_path / "doc.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_figures(document, "new\n")
    replace_figures(document, "newer\n")
    assert document.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_document_without_the_marks_is_left_alone(tmp_path, text):
    document = tmp_path / "doc.md"
    document.write_text(text)
    with pytest.raises(ValueError, match="needed"):
        replace_figures(document, "new")
    assert document.read_text() == text
