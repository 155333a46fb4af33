"""`make run` as a user has it: two at once and again after; each whole, each gone at the end.

One of the two at once has a job that fails, which the other does not notice.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _begin(out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud", "run", "--out", str(out), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _end(story: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = story.communicate(timeout=400)
    return story.returncode, said


@dataclass(frozen=True)
class Run:
    """One `make run`: its folder, how it ended, and what it said."""

    out: Path
    code: int
    said: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Run]:
    """A good run beside one whose job fails, and then a good one again."""
    labels = tmp_path_factory.mktemp("labels") / "labels.idx"
    labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 10, 11]))
    outs = {name: tmp_path_factory.mktemp(name) for name in ("good", "failed", "again")}
    (outs["failed"] / "summary.json").write_text("{}")
    good, failed = _begin(outs["good"]), _begin(outs["failed"], "--labels", str(labels))
    ended = {"good": _end(good), "failed": _end(failed), "again": _end(_begin(outs["again"]))}
    return {name: Run(out, *ended[name]) for name, out in outs.items()}


@pytest.fixture(scope="module")
def told(runs: dict[str, Run]) -> list[tuple[Path, str]]:
    """Of each good run its folder and what it said."""
    for name in ("good", "again"):
        assert runs[name].code == 0, runs[name].said
    return [(runs[name].out, runs[name].said) for name in ("good", "again")]


def _summaries(told: list[tuple[Path, str]]) -> list[dict]:
    return [json.loads((out / "summary.json").read_text()) for out, _ in told]


def test_every_run_is_exact(told) -> None:
    for summary in _summaries(told):
        assert (summary["predicted"], summary["missing"], summary["duplicated"]) == (3_000, 0, 0)


def test_every_run_predicts_the_same(told) -> None:
    first, *others = [(out / "predictions.csv").read_bytes() for out, _ in told]
    assert all(other == first for other in others)


def test_every_run_leaves_nothing_behind(told) -> None:
    assert [summary["residue"] for summary in _summaries(told)] == [[], []]
    assert all("nothing left behind" in said for _, said in told)


def test_every_run_says_what_this_machine_does_not_carry_out(told) -> None:
    assert all("lifecycle rules are not carried out" in " ".join(said.split()) for _, said in told)


def test_summary_has_what_was_promised(told) -> None:
    promised = {
        *("images", "predicted", "missing", "duplicated", "accuracy", "job_seconds"),
        *("images_per_second", "shards", "cold_starts", "retries", "throttles"),
        *("cost_usd", "residue"),
    }
    for summary in _summaries(told):
        assert promised <= set(summary)


def test_report_is_one_self_contained_page(told) -> None:
    for out, _ in told:
        page = (out / "report.html").read_text()
        assert 'src="http' not in page
        assert '<link rel="stylesheet"' not in page


def test_failed_job_is_said_and_torn_down_and_leaves_no_summary(runs) -> None:
    failed = runs["failed"]
    assert failed.code != 0, failed.said
    assert "labels" in failed.said
    assert "destroy, " in failed.said
    assert "Traceback" not in failed.said
    assert not (failed.out / "summary.json").exists()
