"""Partial results: believed only as far as the report says so, and never shown as the whole."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from hpc.api import JobsApi
from hpc.baseline.compare import check_same_images
from hpc.cli import EXIT_PARTIAL, main
from hpc.errors import ResultsInvalidError
from hpc.http_session import retrying_session
from hpc.report.page import render_report
from hpc.results import fetch_results
from hpc.summary import summarize, write_outcome
from hpc.terminal import print_outcome
from tests.hpc.made_up import outcome_of
from tests.hpc.partial import lose_shard, partial_outcome


@pytest.fixture
def job(fake_api):
    """20 images in 4 shards and 2 parts, of which shard 1 is lost."""
    fake_api.running_polls = 0
    fake_api.polls["job-1"] = 0
    job = fake_api.finish("job-1")
    lose_shard(job, 1, 5)
    return job


@pytest.fixture
def fetch(fake_api, signed_session):
    def fetch():
        status = JobsApi(fake_api.url, signed_session).status("job-1")
        return fetch_results(
            status, images=20, open_session=lambda: retrying_session(backoff_s=0.001)
        )

    return fetch


def test_results_lack_what_the_report_says_and_nothing_else(job, fetch) -> None:
    results = fetch()
    assert results.is_complete is False
    assert results.index.tolist() == [*range(5), *range(10, 20)]
    assert (results.coverage.predicted, results.coverage.missing) == (15, 5)
    assert [one.shard for one in results.telemetry] == [0, 2, 3]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"missing_shards": []}, "missing"),
        ({"missing_shards": [{"shard": 1, "start": 5, "stop": 9, "error": "E"}]}, "missing 5"),
        ({"missing_shards": [{"shard": 1, "start": 5, "stop": 11, "error": "E"}]}, "said to be"),
        (
            {"missing_shards": [{"shard": 2, "start": 5, "stop": 10, "error": "E"}]},
            "missing_shards",
        ),
        ({"complete": True}, "complete: the report says True"),
        ({"missing": 4}, "missing: the report says 4"),
        ({"predicted": 20}, "predicted: the report says 20"),
        ({"shards": 3}, "shards"),
    ],
)
def test_report_that_tells_it_otherwise_is_refused(job, fetch, fields, problem) -> None:
    job.report.update(fields)
    with pytest.raises(ResultsInvalidError, match=problem):
        fetch()


def test_gap_in_a_whole_job_is_refused(fake_api, fetch) -> None:
    fake_api.running_polls = 0
    fake_api.polls["job-1"] = 0
    whole = fake_api.finish("job-1")
    told = {**whole.report}
    lose_shard(whole, 1, 5)
    whole.report.clear()
    whole.report.update(told)
    with pytest.raises(ResultsInvalidError, match="5 missing"):
        fetch()


@pytest.fixture
def fetched(deployed, idx_files, tmp_path):
    """`hpc fetch` of a job that lost a shard, as a command."""
    deployed.running_polls = 0
    deployed.polls["job-1"] = 0
    lose_shard(deployed.finish("job-1"), 1, 5)

    def call(*options: str):
        out = str(tmp_path / "out")
        return CliRunner().invoke(main, ["fetch", "job-1", "--out", out, *options])

    return call


def test_partial_results_are_an_error_unless_they_are_accepted(fetched, tmp_path) -> None:
    done = fetched()
    assert done.exit_code == EXIT_PARTIAL == 3, done.output
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["complete"] is False
    assert fetched("--accept-partial").exit_code == 0
    assert "INCOMPLETE" in fetched("--accept-partial").output


def test_summary_names_what_is_missing() -> None:
    summary = summarize(partial_outcome())
    assert (summary["complete"], summary["images"], summary["predicted"]) == (False, 20, 15)
    assert summary["missing_shards"] == [
        {"shard": 1, "start": 5, "stop": 10, "error": "Sandbox.Timedout"}
    ]
    whole = summarize(outcome_of())
    assert (whole["complete"], whole["missing_shards"]) == (True, [])


def test_predictions_have_a_row_for_every_image_and_nothing_in_those_that_miss(
    tmp_path: Path,
) -> None:
    outcome = partial_outcome()
    write_outcome(outcome, tmp_path)
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(20))
    for number, row in enumerate(rows):
        is_missing = 5 <= number < 10
        assert (row["label"] == row["name"] == row["confidence"] == "") is is_missing
        assert int(row["true_label"]) == outcome.dataset.labels[number]
    assert [int(row["label"]) for row in rows if row["label"]] == outcome.results.label.tolist()


def test_terminal_is_loud_about_it() -> None:
    written = io.StringIO()
    print_outcome(Console(file=written, width=120), partial_outcome(), Path("out"))
    said = " ".join(written.getvalue().split())
    assert "INCOMPLETE: 5 of 20 images are missing, 1 of 4 shards lost" in said
    assert "shard 1 (items 5..10): Sandbox.Timedout" in said
    assert "15 predicted, 5 missing" in said
    written = io.StringIO()
    print_outcome(Console(file=written, width=120), outcome_of(), Path("out"))
    assert "INCOMPLETE" not in written.getvalue()


def test_page_is_loud_about_it() -> None:
    page = render_report(partial_outcome())
    assert "every image exactly once" not in page
    assert "incomplete: 1 of 4 shards lost" in page
    assert "<h1>15 of 20 images classified" in page
    assert "<td>5 to 9</td><td><code>Sandbox.Timedout</code></td>" in page
    assert "of the 15 predicted, 5 are missing" in page
    whole = render_report(outcome_of())
    assert "every image exactly once" in whole
    assert "incomplete" not in whole
    assert "What is missing" not in whole


def test_accuracy_is_that_of_what_was_predicted() -> None:
    outcome = partial_outcome()
    assert outcome.evaluation is not None
    right = outcome.dataset.labels[outcome.results.index] == outcome.results.label
    assert outcome.evaluation.accuracy == right.sum() / 15


def test_job_that_lost_images_is_not_compared_with_machines() -> None:
    check_same_images(outcome_of(images=20, shards=4), 20)
    with pytest.raises(ResultsInvalidError, match="lost 5 of its 20 images"):
        check_same_images(partial_outcome(images=20, shards=4), 20)
