"""The typed API: shapes out and in, the server's own words in errors, retries that do no harm."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
import requests

from hpc.api import JobsApi
from hpc.errors import ApiError, UnexpectedAnswerError
from hpc.http_session import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, retrying_session
from tests.hpc.fake_api import PREFIX
from tests.hpc.made_up import MODEL_SHA256, STARTED_AT

JOB = {
    "job_id": "job-1",
    "workload": "classify",
    "images": "inputs/x/images.idx",
    "labels": None,
    "shard_size": 5,
}


@pytest.fixture
def api(fake_api, signed_session) -> JobsApi:
    return JobsApi(fake_api.url, signed_session)


def test_submit_posts_the_job_in_the_contracts_shape(api, fake_api) -> None:
    answer = api.submit(**JOB)
    assert (answer.job_id, answer.status, answer.created) == ("job-1", "RUNNING", True)
    (request,) = fake_api.requests
    assert (request.method, request.path) == ("POST", f"{PREFIX}/jobs")
    assert request.json == {
        "job_id": "job-1",
        "workload": "classify",
        "input": {"images": "inputs/x/images.idx", "labels": None},
        "shard_size": 5,
    }


def test_submit_again_says_that_nothing_was_created(api) -> None:
    assert api.submit(**JOB).created
    assert not api.submit(**JOB).created


def test_status_tells_progress_and_then_the_results(api) -> None:
    api.submit(**JOB)
    first, second, third = (api.status("job-1") for _ in range(3))
    assert (first.status, first.shards, first.parts) == ("RUNNING", None, [])
    assert (second.shards.total, second.shards.succeeded, second.shards.running) == (4, 2, 2)
    assert (third.status, third.report.images, len(third.parts)) == ("SUCCEEDED", 20, 2)
    assert third.stopped_at - third.started_at == timedelta(seconds=3.5)
    assert third.started_at == STARTED_AT


def test_job_id_cannot_leave_its_place_in_the_path(api, fake_api) -> None:
    with pytest.raises(ApiError):
        api.status("../classify?x")
    assert fake_api.requests[0].path == f"{PREFIX}/jobs/..%2Fclassify%3Fx"


def test_refusal_is_raised_in_the_servers_own_words(api) -> None:
    with pytest.raises(ApiError, match=r"404 not_found \(field job_id\).*no job nothing") as caught:
        api.status("nothing")
    assert (caught.value.status, caught.value.code, caught.value.field) == (
        404,
        "not_found",
        "job_id",
    )


def test_refusal_by_the_gateway_itself_is_told_too(fake_api) -> None:
    with retrying_session() as unsigned, pytest.raises(ApiError, match=r"403 forbidden.*Forbidden"):
        JobsApi(fake_api.url, unsigned).status("job-1")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_failure_is_retried(api, fake_api, status) -> None:
    fake_api.failures.extend([(status, {}, b"busy")] * 2)
    assert api.submit(**JOB).created
    assert len(fake_api.requests) == 3


def test_refusal_is_not_retried(api, fake_api) -> None:
    fake_api.failures.append((400, {}, b'{"error":{"code":"bad","field":"x","message":"no"}}'))
    with pytest.raises(ApiError, match="bad"):
        api.submit(**JOB)
    assert len(fake_api.requests) == 1


def test_lasting_failure_ends_in_the_last_answer(api, fake_api) -> None:
    fake_api.failures.extend([(503, {}, b"down for repairs")] * 6)
    with pytest.raises(ApiError, match="503 service_unavailable: down for repairs"):
        api.submit(**JOB)
    assert not fake_api.failures


@pytest.mark.parametrize("body", [b"<html>", b'{"job_id":"job-1"}', b'{"status":"RUNNING"}'])
def test_answer_of_another_shape_is_named_as_such(api, fake_api, body) -> None:
    fake_api.failures.append((200, {}, body))
    with pytest.raises(UnexpectedAnswerError, match="GET /jobs/job-1 answered 200 in a shape"):
        api.status("job-1")


def test_classify_answers_in_order(api, fake_api) -> None:
    answer = api.classify(["cGlj", "dHVyZQ=="])
    assert [one.confidence for one in answer.predictions] == [0.5, 0.501]
    assert answer.model.sha256 == MODEL_SHA256
    assert fake_api.requests[0].json == {"images": ["cGlj", "dHVyZQ=="]}


def test_classify_with_predictions_missing_is_refused(api, fake_api) -> None:
    fake_api.failures.append((200, {}, b'{"predictions":[],"model":{"sha256":"ab"}}'))
    with pytest.raises(UnexpectedAnswerError, match="1 pictures, but 0 predictions"):
        api.classify(["cGlj"])


def test_calls_are_counted_without_retries(api, fake_api) -> None:
    fake_api.failures.append((503, {}, b""))
    api.submit(**JOB)
    api.status("job-1")
    assert api.calls == 2


def test_nobody_listening_is_a_connection_error() -> None:
    with socket.socket() as held:
        held.bind(("localhost", 0))
        with (
            retrying_session(retries=1, backoff_s=0.001) as session,
            pytest.raises(requests.ConnectionError),
        ):
            JobsApi(f"http://localhost:{held.getsockname()[1]}", session).status("job-1")


def test_every_request_has_a_timeout(fake_api, monkeypatch) -> None:
    seen = []
    send = requests.adapters.HTTPAdapter.send

    def recording(self, request, **kwargs):
        seen.append(kwargs["timeout"])
        return send(self, request, **kwargs)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", recording)
    with retrying_session() as session:
        session.get(fake_api.url)
        session.get(fake_api.url, timeout=1)
    assert seen == [(CONNECT_TIMEOUT_S, READ_TIMEOUT_S), 1]
