"""A job is started once and watched to its end; watching can stop without stopping the job."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hpc.api import JobsApi, JobStatus
from hpc.errors import ApiError, JobFailedError, JobInterruptedError, UnexpectedAnswerError
from hpc.job import JobRequest, join, submit_and_wait
from hpc.job_id import new_job_id

REQUEST = JobRequest(
    job_id="job-1", images_key="inputs/x/images.idx", labels_key=None, shard_size=5
)


class RecordingView:
    """Remembers what it was shown, and that it was left."""

    def __init__(self) -> None:
        self.seen: list[tuple[JobStatus, float]] = []
        self.left = False

    def __enter__(self) -> RecordingView:
        return self

    def __exit__(self, *exc: object) -> None:
        self.left = True

    def show(self, status: JobStatus, elapsed_s: float) -> None:
        self.seen.append((status, elapsed_s))


class FakeTime:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def api(fake_api, signed_session) -> JobsApi:
    return JobsApi(fake_api.url, signed_session)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def test_job_is_posted_once_and_polled_until_it_succeeds(api, fake_api, time) -> None:
    view = RecordingView()
    ended = submit_and_wait(api, REQUEST, view, clock=time.clock, sleep=time.sleep)
    assert ended.status.status == "SUCCEEDED"
    assert [request.method for request in fake_api.requests] == ["POST", "GET", "GET", "GET"]
    assert [status.status for status, _ in view.seen] == ["RUNNING", "RUNNING", "SUCCEEDED"]
    assert view.left


def test_job_seconds_run_from_post_to_the_success_seen(api, time) -> None:
    ended = submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)
    assert (ended.seconds, ended.clock) == (sum(time.slept), "client")


def test_polls_become_rarer_but_not_too_rare(api, fake_api, time) -> None:
    fake_api.running_polls = 120
    submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)
    assert time.slept[0] == 0.25
    assert time.slept == sorted(time.slept)
    assert time.slept[-1] == 5.0


def test_failed_job_is_told_with_its_error_and_cause(api, fake_api, time) -> None:
    fake_api.end = {"status": "FAILED", "error": "InvalidInput", "cause": "images: too short"}
    view = RecordingView()
    with pytest.raises(JobFailedError, match="job job-1 FAILED: InvalidInput: images: too short"):
        submit_and_wait(api, REQUEST, view, clock=time.clock, sleep=time.sleep)
    assert view.left


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_job_without_a_reason_is_told_all_the_same(api, fake_api, time, status) -> None:
    fake_api.end = {"status": status}
    with pytest.raises(JobFailedError, match=f"{status}: no reason given"):
        submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)


def test_interrupt_while_waiting_leaves_the_job_and_names_it(api, fake_api, time) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    view = RecordingView()
    with pytest.raises(JobInterruptedError, match="job-1 goes on") as caught:
        submit_and_wait(api, REQUEST, view, clock=time.clock, sleep=interrupted)
    assert caught.value.job_id == "job-1"
    assert view.left
    assert "job-1" in fake_api.jobs


def test_interrupt_while_posting_names_the_job_too(api, monkeypatch, time) -> None:
    def interrupted(**job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "submit", interrupted)
    with pytest.raises(JobInterruptedError):
        submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)


def test_job_that_had_been_started_before_is_timed_by_the_service(api, time) -> None:
    for expected in ("client", "service"):
        ended = submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)
        assert ended.clock == expected
    assert ended.seconds == 3.5


def test_success_without_an_end_is_no_answer(api, fake_api, time) -> None:
    fake_api.end = {"status": "SUCCEEDED", "stopped_at": None}
    submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)
    with pytest.raises(UnexpectedAnswerError, match="has no end"):
        join(api, "job-1", RecordingView(), clock=time.clock, sleep=time.sleep)


def test_joined_job_is_timed_by_the_service(api, time) -> None:
    submit_and_wait(api, REQUEST, RecordingView(), clock=time.clock, sleep=time.sleep)
    ended = join(api, "job-1", RecordingView(), clock=time.clock, sleep=time.sleep)
    assert (ended.seconds, ended.clock) == (3.5, "service")


def test_joining_an_unknown_job_is_the_servers_404(api, time) -> None:
    with pytest.raises(ApiError, match="there is no job nothing"):
        join(api, "nothing", RecordingView(), clock=time.clock, sleep=time.sleep)


def test_job_id_reads_as_utc_time_and_a_few_letters() -> None:
    moment = datetime(2026, 1, 31, 15, 5, 9, tzinfo=timezone(timedelta(hours=1)))
    assert new_job_id(now=moment, token="k7mq2x") == "20260131-140509-k7mq2x"


def test_job_ids_of_one_moment_differ_and_fit_the_contract() -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    ids = {new_job_id(now=moment) for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", job_id) for job_id in ids)
