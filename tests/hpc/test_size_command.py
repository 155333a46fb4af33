"""`hpc size` as a user types it: from a report or from figures, down to overrides that deploy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hpc.cli import main
from hpc.sizing import FUNCTIONS
from hpc.summary import write_outcome
from settings.context import load_stage
from settings.limits import platform_limits
from settings.stages import PROD
from tests.hpc.made_up import outcome_of, telemetry_of

Run = Callable[..., Result]
FIGURES = ("--duration-ms", 30, "--cold-start-ms", 400, "--memory-mb", 1769)
RATES = ("--arrivals-per-s", 5, "--peak-per-s", 50)


@pytest.fixture
def size() -> Run:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["size", *map(str, arguments)])

    return run


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A job of four shards of 200 ms, two of them cold with 400 ms."""
    write_outcome(outcome_of(), tmp_path / "run")
    return tmp_path / "run"


def text(done: Result) -> str:
    assert done.exit_code == 0, done.output
    return " ".join(done.output.replace("\u00a0", " ").split())


def overrides(done: Result, kind: str) -> dict[str, str]:
    (line,) = (line for line in done.output.splitlines() if line.startswith(f"{kind}: "))
    return dict(re.findall(r"-c (\S+?)=(\S+)", line))


def test_reasoning_is_printed_line_by_line(size: Run) -> None:
    told = size("--function", "predict", *FIGURES, *RATES)
    for expected in (
        "0.15",
        "(Little's law)",
        "minimum 2",
        "(Erlang B)",
        "maximum 6",
        "reserved 37",
        "it does not pay",
    ):
        assert expected in text(told)


def test_overrides_are_exact_and_the_cheaper_way_comes_first(size: Run) -> None:
    done = size("--function", "predict", *FIGURES, *RATES)
    assert overrides(done, "warm") == {
        "predict.provisioned.minimum": "2",
        "predict.provisioned.maximum": "6",
        "predict.provisioned.target_utilization": "0.6",
        "predict.reserved_concurrency": "37",
    }
    assert overrides(done, "on demand") == {
        "predict.provisioned": "none",
        "predict.reserved_concurrency": "37",
    }
    assert done.output.index("on demand: ") < done.output.index("warm: ")
    steady = ("--arrivals-per-s", 1000, "--peak-per-s", 1000)
    busy = size("--target-utilization", "0.9", *FIGURES, *steady)
    assert "it pays" in text(busy)
    assert busy.output.index("warm: ") < busy.output.index("on demand: ")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", ["warm", "on demand"])
def test_every_override_is_one_that_a_stage_takes(size: Run, function: str, kind: str) -> None:
    given = overrides(size("--function", function, *FIGURES, *RATES), kind)
    stage = load_stage({"stage": "prod", **given}, rules=[platform_limits])
    assert stage.functions[function].reserved_concurrency == 37
    assert set(FUNCTIONS) == set(PROD.functions)


def test_report_gives_what_the_job_measured(size: Run, report: Path) -> None:
    by_figures = size(
        *("--duration-ms", 200, "--cold-start-ms", 400, "--memory-mb", 1769),
        *("--arrivals-per-s", 10),
    )
    for where in (report, report / "summary.json"):
        done = size("--report", where, "--arrivals-per-s", 10)
        assert "by job job-1, embedded cloud on this machine" in text(done)
        for kind in ("warm", "on demand"):
            assert overrides(done, kind) == overrides(by_figures, kind)


def test_figures_come_before_the_report(size: Run, report: Path) -> None:
    given = ("--duration-ms", 100, "--architecture", "arm64")
    told = text(size("--report", report, "--arrivals-per-s", 10, *given))
    assert "1.00" in told
    assert "arm64" in told


def test_report_without_a_cold_start_asks_for_one(size: Run, tmp_path: Path) -> None:
    outcome = outcome_of()
    warm = tuple(telemetry_of(shard, cold=False, init_ms=None) for shard in range(4))
    object.__setattr__(outcome.results, "telemetry", warm)
    write_outcome(outcome, tmp_path)
    done = size("--report", tmp_path, "--arrivals-per-s", 10)
    assert done.exit_code == 1
    assert "job job-1 had no cold start to measure: give --cold-start-ms" in done.output
    assert size("--report", tmp_path, "--arrivals-per-s", 10, "--cold-start-ms", 5).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"{", "is no summary of a job"),
        (b"[]", "is no summary of a job"),
        (b'{"job_id": "j"}', "is no summary of a job: Object missing required field"),
        (b"\x80", "is no summary of a job"),
    ],
)
def test_report_that_is_none_is_refused(
    size: Run, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_bytes(content)
    done = size("--report", tmp_path, "--arrivals-per-s", 10)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_summary_of_an_older_hpc_is_refused_by_what_it_lacks(size: Run, report: Path) -> None:
    summary = json.loads((report / "summary.json").read_text())
    del summary["duration_ms"]
    (report / "summary.json").write_text(json.dumps(summary))
    done = size("--report", report, "--arrivals-per-s", 10)
    assert done.exit_code == 1
    assert "`duration_ms`" in done.output


@pytest.mark.parametrize("missing", ["--duration-ms", "--cold-start-ms", "--memory-mb"])
def test_figure_that_nobody_gave_is_asked_for(size: Run, missing: str) -> None:
    given = list(FIGURES)
    where = given.index(missing)
    del given[where : where + 2]
    done = size(*given, *RATES)
    assert done.exit_code == 2
    assert f"{missing} is needed, or --report" in done.output


def test_what_is_not_possible_is_named_all_at_once(size: Run) -> None:
    done = size("--duration-ms", "nan", "--cold-start-ms", 1, "--memory-mb", 0, *RATES)
    assert done.exit_code == 1
    assert "duration_ms: nan" in done.output
    assert "memory_mb: 0" in done.output
