"""Fetched parts are believed only once they add up."""

from __future__ import annotations

import numpy as np
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpc.api import JobsApi
from hpc.errors import ResultsInvalidError, UnexpectedAnswerError
from hpc.http_session import retrying_session
from hpc.results import fetch_results
from shpc_core import columns
from tests.hpc.made_up import predictions_of


@pytest.fixture
def job(fake_api):
    """A finished job of 20 images in 4 shards and 2 parts, to spoil before it is fetched."""
    fake_api.running_polls = 0
    fake_api.polls["job-1"] = 0
    return fake_api.finish("job-1")


@pytest.fixture
def fetch(fake_api, signed_session):
    def fetch(images: int | None = 20):
        status = JobsApi(fake_api.url, signed_session).status("job-1")
        return fetch_results(
            status, images=images, open_session=lambda: retrying_session(backoff_s=0.001)
        )

    return fetch


def replace_columns(job, part: int, index, label=None) -> None:
    old, summary = job.parts[part]
    size = len(index)
    new = columns.Predictions(
        index=np.array(index, dtype=np.uint64),
        label=np.resize(old.label, size) if label is None else np.array(label, dtype=np.uint8),
        confidence=np.resize(old.confidence, size),
    )
    job.parts[part] = (new, summary)


def test_results_are_sorted_columns_of_every_image(job, fetch) -> None:
    results = fetch()
    expected = predictions_of(0, 20)
    np.testing.assert_array_equal(results.index, expected.index)
    np.testing.assert_array_equal(results.label, expected.label)
    np.testing.assert_array_equal(results.confidence, expected.confidence)
    dtypes = (results.index.dtype, results.label.dtype, results.confidence.dtype)
    assert dtypes == (np.uint64, np.uint8, np.float32)
    assert [one.shard for one in results.telemetry] == [0, 1, 2, 3]
    assert (results.coverage.predicted, results.coverage.is_exact) == (20, True)


def test_rows_in_another_order_give_the_same_results(job, fetch) -> None:
    old, summary = job.parts[0]
    back = slice(None, None, -1)
    reversed_ = columns.Predictions(old.index[back], old.label[back], old.confidence[back])
    job.parts[0] = (reversed_, summary)
    results = fetch()
    np.testing.assert_array_equal(results.label, predictions_of(0, 20).label)


def test_image_that_is_missing_is_found(job, fetch) -> None:
    replace_columns(job, 1, range(10, 19))
    with pytest.raises(ResultsInvalidError, match=r"job job-1 are wrong: 1 missing.*missing 19"):
        fetch()


def test_image_predicted_twice_is_found_though_counts_agree(job, fetch) -> None:
    replace_columns(job, 1, [10, 10, *range(12, 20)])
    with pytest.raises(
        ResultsInvalidError, match=r"1 missing, 1 duplicated.*missing 11; duplicated 10"
    ):
        fetch()


def test_image_that_nobody_asked_for_is_found(job, fetch) -> None:
    replace_columns(job, 1, [*range(10, 20), 20])
    with pytest.raises(ResultsInvalidError, match=r"1 outside 0 to 19 \(outside 20\)"):
        fetch()


def test_fewer_images_than_were_uploaded_are_found_though_the_report_agrees(job, fetch) -> None:
    with pytest.raises(ResultsInvalidError, match=r"1 missing.*the report says 20"):
        fetch(images=21)


def test_count_is_the_reports_where_the_caller_does_not_know(job, fetch) -> None:
    assert fetch(images=None).coverage.expected == 20


def test_label_that_is_no_class_is_found(job, fetch) -> None:
    replace_columns(job, 0, range(10), label=[10] * 10)
    with pytest.raises(ResultsInvalidError, match="a label is 10"):
        fetch()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("predicted", 19),
        ("missing", 1),
        ("duplicated", 1),
        ("label_counts", [20, *[0] * 9]),
        ("shards", 5),
        ("groups", 3),
    ],
)
def test_report_that_disagrees_with_the_parts_is_found(job, fetch, field, value) -> None:
    job.report[field] = value
    with pytest.raises(ResultsInvalidError, match=f"{field}: the report says"):
        fetch()


def test_part_by_another_model_is_found(job, fetch) -> None:
    job.parts[1][1]["model_sha256"] = "cd" * 32
    with pytest.raises(ResultsInvalidError, match="model: the report says"):
        fetch()


def test_downloads_are_not_signed_again_and_are_retried(job, fetch, fake_api) -> None:
    job.report["parts"] = []
    status_call = 1
    fetch()
    downloads = fake_api.requests[status_call:]
    assert len(downloads) == 4
    assert not any("authorization" in request.headers for request in downloads)


def test_passing_failure_of_a_download_is_retried(job, fake_api, signed_session) -> None:
    status = JobsApi(fake_api.url, signed_session).status("job-1")
    fake_api.failures.extend([(503, {}, b"slow down")] * 3)
    results = fetch_results(
        status, images=20, open_session=lambda: retrying_session(backoff_s=0.001)
    )
    assert results.coverage.is_exact


def test_transfer_that_breaks_off_starts_anew(job, fetch, fake_api) -> None:
    fake_api.downloads_to_cut = 3
    assert fetch().coverage.is_exact
    assert fake_api.downloads_to_cut == 0
    assert sum(request.path.startswith("/download/") for request in fake_api.requests) == 4 + 3


def test_transfer_that_always_breaks_off_gives_no_results(job, fetch, fake_api) -> None:
    fake_api.downloads_to_cut = 1_000
    with pytest.raises(requests.RequestException):
        fetch()


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_file_that_was_altered_is_refused(job, fake_api, fetch, data) -> None:
    """Any bit of any object: also where rows are swapped and every count still agrees."""
    position = data.draw(st.integers(0, 10**6))
    bit = data.draw(st.integers(0, 7))
    name = data.draw(st.sampled_from(["0.safetensors", "0.json", "1.safetensors", "1.json"]))
    answer = type(fake_api).answer

    def altered(request):
        status, headers, body = answer(fake_api, request)
        if f"/{name}" in request.path:
            body = bytearray(body)
            body[position % len(body)] ^= 1 << bit
            body = bytes(body)
        return status, headers, body

    fake_api.answer = altered
    with pytest.raises(ResultsInvalidError, match="is not what the job wrote"):
        fetch()


def test_expired_address_is_told_without_the_address(job, fake_api, signed_session) -> None:
    status = JobsApi(fake_api.url, signed_session).status("job-1")
    fake_api.failures.extend([(403, {}, b"<Error>Request has expired</Error>")] * 4)
    with pytest.raises(UnexpectedAnswerError, match=r"images 0 to 9 could not.*403") as caught:
        fetch_results(status, images=20)
    assert "X-Amz" not in str(caught.value)


@pytest.mark.parametrize("name", ["columns", "summary"])
def test_bytes_that_are_no_part_are_named(job, fake_api, fetch, monkeypatch, name) -> None:
    suffix = {"columns": ".safetensors", "summary": ".json"}[name]
    answer = fake_api.answer

    def spoiled(request):
        if request.path.startswith("/download/") and suffix in request.path:
            return 200, {}, b"{not what it should be"
        return answer(request)

    monkeypatch.setattr(fake_api, "answer", spoiled)
    with pytest.raises(ResultsInvalidError, match=r"images \d+ to \d+ is not what the job wrote"):
        fetch()


def test_job_without_a_report_has_no_results(job, fake_api, signed_session) -> None:
    fake_api.running_polls = 5
    status = JobsApi(fake_api.url, signed_session).status("job-1")
    with pytest.raises(UnexpectedAnswerError, match="job-1 is RUNNING"):
        fetch_results(status, images=20)
