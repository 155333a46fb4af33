"""What a deployed stage refuses, how it says so, and that a failed job names its cause."""

from __future__ import annotations

import uuid

import pytest
import requests


def _job(uploaded: dict, **changes: object) -> dict:
    job_id = f"bad-{uuid.uuid4().hex[:8]}"
    return {
        "job_id": job_id,
        "workload": "classify",
        "input": uploaded,
        "shard_size": 100,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workload": "weather"}, "workload"),
        ({"shard_size": 0}, "shard_size"),
        ({"shard_size": -5}, "shard_size"),
        ({"shard_size": 2.5}, "shard_size"),
        ({"shard_size": "100"}, "shard_size"),
        ({"job_id": "../../etc/passwd"}, "job_id"),
        ({"job_id": ""}, "job_id"),
        ({"input": {"images": "jobs/another/report.json", "labels": None}}, "images"),
        ({"input": {"images": "inputs/../secret", "labels": None}}, "images"),
        ({"input": {}}, "images"),
    ],
)
def test_bad_job_is_a_400_that_names_the_field(api, uploaded, changes, field) -> None:
    answer = api("POST", "/jobs", json=_job(uploaded, **changes))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert field in (error["field"] or "")
    assert error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 5_000])
def test_malformed_json_is_a_400(api, body) -> None:
    answer = api("POST", "/jobs", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_unknown_job_is_a_404(api) -> None:
    answer = api("GET", f"/jobs/never-{uuid.uuid4().hex[:8]}")
    assert answer.status_code == 404
    assert answer.json()["error"]["field"] == "job_id"


def test_unknown_route_is_a_404(api) -> None:
    assert api("GET", "/nothing/here").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("POST", "/jobs"), ("GET", "/jobs/x")])
def test_unsigned_request_is_forbidden(deployment, method, path) -> None:
    answer = requests.request(method, f"{deployment.api_url}{path}", timeout=30)
    assert answer.status_code == 403


def test_job_over_an_input_that_is_not_there_fails_and_names_it(api, ended) -> None:
    missing = f"inputs/never-{uuid.uuid4().hex[:8]}/images.idx"
    job = _job({"images": missing, "labels": None})
    assert api("POST", "/jobs", json=job).status_code == 202
    status = ended(job["job_id"])
    assert status["status"] == "FAILED"
    assert missing in status["cause"]
    assert status["report"] is None
    assert status["parts"] == []


def test_job_over_a_truncated_input_fails_and_says_why(api, ended, put_input) -> None:
    key = put_input(
        b"\x00\x00\x08\x03\x00\x00\x00\x64\x00\x00\x00\x1c\x00\x00\x00\x1c" + b"\x00" * 784
    )
    job = _job({"images": key, "labels": None})
    assert api("POST", "/jobs", json=job).status_code == 202
    status = ended(job["job_id"])
    assert status["status"] == "FAILED"
    assert "100 items" in status["cause"]
