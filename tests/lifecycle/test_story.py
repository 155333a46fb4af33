"""`make run` as a user has it: two at once and again after; each whole, each gone at the end."""

from __future__ import annotations

import json
import subprocess
import sys
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


def _end(story: subprocess.Popen[str]) -> str:
    said, _ = story.communicate(timeout=400)
    assert story.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> list[tuple[Path, str]]:
    """Two runs side by side, then a third; of each its folder and what it said."""
    outs = [tmp_path_factory.mktemp(name) for name in ("left", "right", "again")]
    pair = [_begin(out) for out in outs[:2]]
    said = [_end(story) for story in pair]
    said.append(_end(_begin(outs[2])))
    return list(zip(outs, said, strict=True))


def _summaries(told: list[tuple[Path, str]]) -> list[dict]:
    return [json.loads((out / "summary.json").read_text()) for out, _ in told]


def test_every_run_is_exact(told) -> None:
    for summary in _summaries(told):
        assert (summary["predicted"], summary["missing"], summary["duplicated"]) == (3_000, 0, 0)


def test_every_run_predicts_the_same(told) -> None:
    first, *others = [(out / "predictions.csv").read_bytes() for out, _ in told]
    assert all(other == first for other in others)


def test_every_run_leaves_nothing_behind(told) -> None:
    assert [summary["residue"] for summary in _summaries(told)] == [[], [], []]
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


def test_failed_job_is_said_and_torn_down_and_leaves_no_summary(tmp_path) -> None:
    labels = tmp_path / "labels.idx"
    labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 10, 11]))
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text("{}")
    story = _begin(out, "--labels", str(labels))
    said, _ = story.communicate(timeout=400)
    assert story.returncode != 0, said
    assert "labels" in said
    assert "destroy, " in said
    assert "Traceback" not in said
    assert not (out / "summary.json").exists()
