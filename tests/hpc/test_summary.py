"""The three files of a job: complete, true, and never half of them."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import numpy as np
import pytest
from rich.console import Console

from hpc import summary
from hpc.errors import HpcError
from hpc.observed import Throttles
from hpc.report.page import render_report
from hpc.summary import summarize, write_outcome
from hpc.terminal import print_outcome
from tests.hpc.made_up import MODEL_SHA256, STARTED_AT, outcome_of, telemetry_of


def test_summary_has_the_figures_of_the_job() -> None:
    found = summarize(outcome_of())
    assert {key: found[key] for key in ("images", "predicted", "missing", "duplicated")} == {
        "images": 20,
        "predicted": 20,
        "missing": 0,
        "duplicated": 0,
    }
    assert (found["accuracy"], found["job_seconds"], found["images_per_second"]) == (0.8, 4.0, 5.0)
    assert found["accuracy_interval"] == pytest.approx([0.5840, 0.9193], abs=5e-5)
    assert (found["shards"], found["environments"], found["cold_starts"]) == (4, 2, 2)
    assert (found["retries"], found["throttles"], found["throttles_reason"]) == (0, 0, None)
    assert (found["job_id"], found["stage"], found["region"]) == ("job-1", "dev", "us-east-1")
    assert found["model_sha256"] == MODEL_SHA256
    assert found["cost_usd"] == pytest.approx(sum(found["cost_items_usd"].values()))


def test_summary_counts_retries_over_shards() -> None:
    outcome = outcome_of()
    object.__setattr__(
        outcome.results,
        "telemetry",
        tuple(telemetry_of(shard, attempt=shard) for shard in range(4)),
    )
    assert summarize(outcome)["retries"] == 6


def test_what_is_not_known_is_null_with_its_reason() -> None:
    found = summarize(outcome_of(labels=False, throttles=Throttles(count=None, reason="denied")))
    assert found["accuracy"] is None
    assert found["accuracy_interval"] is None
    assert (found["throttles"], found["throttles_reason"]) == (None, "denied")


def test_three_files_are_written(tmp_path) -> None:
    folder = tmp_path / "deep" / "run"
    write_outcome(outcome_of(), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "predictions.csv",
        "report.html",
        "summary.json",
    ]
    assert json.loads((folder / "summary.json").read_text())["job_id"] == "job-1"
    assert "job-1" in (folder / "report.html").read_text(encoding="utf-8")


def test_predictions_read_back_exactly(tmp_path) -> None:
    outcome = outcome_of()
    write_outcome(outcome, tmp_path)
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["index", "label", "name", "confidence", "true_label"]
    assert [int(row["index"]) for row in rows] == list(range(20))
    assert [int(row["label"]) for row in rows] == outcome.results.label.tolist()
    assert [int(row["true_label"]) for row in rows] == outcome.dataset.labels.tolist()
    confidence = np.array([row["confidence"] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(confidence, outcome.results.confidence)
    assert rows[1] == {
        "index": "1",
        "label": "7",
        "name": "Sneaker",
        "confidence": "0.51",
        "true_label": "7",
    }


def test_predictions_without_labels_have_no_column_for_them(tmp_path) -> None:
    write_outcome(outcome_of(labels=False), tmp_path)
    header, first, *_ = (tmp_path / "predictions.csv").read_text().splitlines()
    assert header == "index,label,name,confidence"
    assert first == "0,0,T-shirt/top,0.5"


def test_failure_on_the_way_leaves_the_earlier_job_whole(tmp_path, monkeypatch) -> None:
    write_outcome(outcome_of(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(outcome):
        raise RuntimeError("no report today")

    monkeypatch.setattr(summary, "render_report", broken)
    with pytest.raises(RuntimeError, match="no report today"):
        write_outcome(outcome_of(job_id="job-2"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_failure_between_the_files_leaves_no_summary_to_trust(tmp_path) -> None:
    write_outcome(outcome_of(), tmp_path)
    (tmp_path / "report.html").unlink()
    (tmp_path / "report.html").mkdir()
    with pytest.raises(HpcError, match=r"cannot be written to .*: Is a directory"):
        write_outcome(outcome_of(job_id="job-2"), tmp_path)
    assert not (tmp_path / "summary.json").exists()


def test_later_job_replaces_all_three(tmp_path) -> None:
    write_outcome(outcome_of(), tmp_path)
    later = outcome_of(
        job_id="job-2", images=10, stopped_at=STARTED_AT + timedelta(seconds=9), labels=False
    )
    write_outcome(later, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["job_id"] == "job-2"
    assert "job-1" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 11
    assert len(list(tmp_path.iterdir())) == 3


def provisioned_outcome():
    """Of four shards, one cold, one warm and two on an environment initialised ahead."""
    outcome = outcome_of()
    kinds = (
        {"cold": True, "init_ms": 300.0, "provisioned": False},
        {"cold": False, "init_ms": None, "provisioned": False},
        {"cold": False, "init_ms": None, "provisioned": True},
        {"cold": False, "init_ms": None, "provisioned": True},
    )
    telemetry = tuple(telemetry_of(shard, **kind) for shard, kind in enumerate(kinds))
    object.__setattr__(outcome.results, "telemetry", telemetry)
    return outcome


def test_summary_tells_provisioned_invocations_from_those_on_demand() -> None:
    found = summarize(provisioned_outcome())
    assert (found["provisioned_invocations"], found["on_demand_invocations"]) == (2, 2)
    assert found["cold_starts"] == 1


def test_summary_has_the_means_that_sizing_needs() -> None:
    found = summarize(provisioned_outcome())
    assert (found["cold_start_ms"], found["memory_mb"]) == (300.0, 1769)
    assert found["duration_ms"] == pytest.approx(200)


def test_job_without_a_cold_start_has_no_mean_of_them() -> None:
    outcome = outcome_of()
    warm = tuple(telemetry_of(shard, cold=False, init_ms=None) for shard in range(4))
    object.__setattr__(outcome.results, "telemetry", warm)
    assert summarize(outcome)["cold_start_ms"] is None


def test_report_and_terminal_show_what_provisioned_concurrency_did(tmp_path) -> None:
    outcome = provisioned_outcome()
    page = " ".join(render_report(outcome).split())
    assert "2 ran on environments that provisioned concurrency had initialised ahead" in page
    assert "<dt>Invocations on provisioned environments</dt><dd>2</dd>" in page
    assert "<dt>On demand</dt><dd>2</dd>" in page
    assert page.count(">provisioned</td>") == 2
    assert "200 ms, provisioned" in page
    console = Console(width=120, record=True)
    print_outcome(console, outcome, tmp_path)
    assert "2 provisioned, 2 on demand, 1 cold starts" in console.export_text()
