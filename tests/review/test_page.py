"""The page itself, and the command that prints it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from review.__main__ import main
from review.assembly import Assembly
from review.changes import changes
from review.page import Section, page
from review.show import markdown, show
from tests.review.made_up import assembly

UNKNOWN = {"Type": "AWS::Made::Up", "Properties": {}}
OPEN_BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}


def stage(folder: Path, **resources: Any) -> Assembly:
    return assembly(folder, {"App": resources})


def findings(sections: list[Section]) -> list[str]:
    return [finding for section in sections for finding in section.findings]


def test_unknown_type_is_a_finding_and_never_passed_over(tmp_path: Path) -> None:
    assert findings(page(stage(tmp_path, It=UNKNOWN), [])) == [
        "AWS::Made::Up is a type that AWS's schemas do not know",
        "App/It: what AWS::Made::Up costs is unknown",
    ]


def test_open_door_is_a_finding(tmp_path: Path) -> None:
    assert findings(page(stage(tmp_path, It=OPEN_BUCKET), [])) == ["App/It is open to everybody"]


def test_changes_come_first(tmp_path: Path) -> None:
    made = stage(tmp_path, It=OPEN_BUCKET)
    changed = changes({}, {"App": made.template("App")})
    first = page(made, changed)[0]
    assert first.title == "Changed since the golden templates"
    assert first.rows == (("added", "App/It", "AWS::S3::Bucket", ""),)


def test_resources_are_counted_by_type_and_stack(tmp_path: Path) -> None:
    made = assembly(
        tmp_path,
        {"A": {"X": OPEN_BUCKET, "Y": OPEN_BUCKET}, "B": {"Z": {"Type": "AWS::SQS::Queue"}}},
    )
    section = page(made, [])[1]
    assert section.columns == ("type", "A", "B")
    assert section.rows == (("AWS::S3::Bucket", "2", ""), ("AWS::SQS::Queue", "", "1"))


SECTION = Section(
    title="Things", columns=("a", "b"), rows=(("x|*y", "[red]<z>"),), note="n", findings=("bad",)
)


def test_terminal_shows_text_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=80)
    show([SECTION], console)
    shown = console.file.getvalue()
    for text in ("Things", "x|*y", "[red]<z>", "! bad"):
        assert text in shown


def test_markdown_escapes_what_would_be_markup() -> None:
    text = markdown([SECTION])
    assert "| x\\|\\*y | [red]\\<z> |" in text
    assert "**bad**" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "nonsense"], "allowed: KEY=VALUE"),
        (["-c", "map_concurrency=0"], "map_concurrency = 0; allowed: 1 to"),
        (["--stage", "nowhere"], "stage = 'nowhere'; allowed: one of dev, prod"),
    ],
)
def test_command_names_what_is_wrong(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output


def test_command_prints_the_page_and_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "new" / "review.md"
    arguments = ["--stage", "dev", "-c", "map_concurrency=50", "--markdown", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "compared with golden dev" in result.output
    text = out.read_text()
    assert "# Review of dev map_concurrency=50" in text
    assert "MaxConcurrency" in text.replace("\\", "")
    assert "$0.00 a month" in text
