"""`hpc redrive`: what was lost is restarted once, and watched to its new end."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hpc.api import Failures, JobsApi, JobStatus, ShardCounts, ToldFailure
from hpc.cli import main
from hpc.errors import ApiError, JobFailedError
from hpc.job import redrive, redrive_and_wait
from hpc.progress import _phase
from tests.hpc.made_up import STARTED_AT
from tests.hpc.test_job import FakeTime, RecordingView

FAILED = {"status": "FAILED", "error": "InvalidInput", "cause": "shard 7 (items 700..800): no"}


@pytest.fixture
def failed(fake_api):
    """A job that has failed, for the API and for the command line."""
    fake_api.running_polls = 0
    fake_api.polls["job-1"] = 0
    fake_api.end = FAILED
    return fake_api


@pytest.fixture
def api(fake_api, signed_session) -> JobsApi:
    return JobsApi(fake_api.url, signed_session)


def wait(api: JobsApi) -> JobStatus:
    time = FakeTime()
    return redrive_and_wait(api, "job-1", RecordingView(), clock=time.clock, sleep=time.sleep)


def test_old_end_is_not_taken_for_the_new_one(failed, api) -> None:
    """DescribeExecution may lag behind the redrive.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    """
    failed.polls_until_redriven = 3
    status = wait(api)
    assert (status.status, status.redrive_count) == ("SUCCEEDED", 1)
    assert len(failed.tokens) == 1


def test_redrive_that_fails_again_says_why_and_how_to_go_on(failed, api) -> None:
    lost = {"kind": "shard", "number": 7, "recovered": False}
    told = {
        "recorded": 2,
        "more": False,
        "listed": [lost, {**lost, "number": 8, "recovered": True}],
    }
    failed.end_after_redrive = FAILED | {"failures": told, "redrive_status": "REDRIVABLE"}
    with pytest.raises(JobFailedError) as raised:
        wait(api)
    said = str(raised.value).splitlines()
    assert said[0] == "job job-1 FAILED: InvalidInput: shard 7 (items 700..800): no"
    assert said[1:] == ["failures are recorded of shard 7"]
    assert raised.value.redrivable == "job-1"


def test_repeated_post_has_the_same_token(failed, signed_session) -> None:
    """The session repeats a POST without an answer; each command is a redrive of its own."""
    api = JobsApi(failed.url, signed_session)
    answer, lost = failed.answer, [1]

    def losing(request):
        answered = answer(request)
        if request.method == "POST" and lost:
            lost.pop()
            return 503, {}, b""
        return answered

    failed.answer = losing
    redrive(api, "job-1")
    redrive(api, "job-1")
    tokens = [request.json["token"] for request in failed.requests if request.method == "POST"]
    assert tokens[0] == tokens[1] != tokens[2]
    assert failed.tokens == tokens[1:]


def test_refusal_is_told_in_the_servers_words(failed, api) -> None:
    failed.end = {"status": "SUCCEEDED"}
    with pytest.raises(ApiError, match=r"409 not_redrivable .*job-1 is SUCCEEDED"):
        redrive(api, "job-1")


def test_unknown_job_is_refused(fake_api, api) -> None:
    with pytest.raises(ApiError, match="there is no job job-1"):
        redrive(api, "job-1")


@pytest.fixture
def hpc():
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.fixture
def deployed_failed(deployed):
    deployed.running_polls = 0
    deployed.polls["job-1"] = 0
    deployed.end = FAILED
    return deployed


def test_command_restarts_and_says_how_to_fetch(hpc, deployed_failed) -> None:
    done = hpc("redrive", "job-1")
    assert done.exit_code == 0, done.output
    assert "job job-1 goes on; hpc fetch job-1 --stage dev" in done.stdout
    assert len(deployed_failed.tokens) == 1


def test_command_waits_where_asked(hpc, deployed_failed) -> None:
    done = hpc("redrive", "job-1", "--wait")
    assert done.exit_code == 0, done.output
    assert "job job-1: SUCCEEDED" in done.stdout
    assert "redrives: 1" in done.stdout
    assert "its results: hpc fetch job-1 --stage dev" in done.stdout


def test_command_that_waits_in_vain_exits_with_one(hpc, deployed_failed) -> None:
    deployed_failed.end_after_redrive = FAILED
    done = hpc("redrive", "job-1", "--wait")
    assert done.exit_code == 1
    assert "Error: job job-1 FAILED: InvalidInput" in done.stderr
    assert "hpc redrive" not in done.stderr


def test_command_that_waits_in_vain_says_how_to_go_on(hpc, deployed_failed) -> None:
    deployed_failed.end_after_redrive = FAILED | {"redrive_status": "REDRIVABLE"}
    done = hpc("redrive", "job-1", "--wait")
    assert done.exit_code == 1
    assert "once its cause is mended: hpc redrive job-1 --stage dev" in done.stderr


def test_status_lists_what_is_recorded(hpc, deployed_failed) -> None:
    shard = {"kind": "shard", "start": 700, "stop": 800, "error": "StorageError"}
    deployed_failed.end = FAILED | {
        "redrive_status": "REDRIVABLE",
        "failures": {
            "recorded": 5,
            "more": True,
            "listed": [
                {**shard, "number": 7, "recovered": False},
                {**shard, "number": 8, "recovered": True},
                {"kind": "group", "number": 0, "recovered": False},
            ],
        },
    }
    said = hpc("status", "job-1").stdout
    assert "recorded: shard 7 (items 700..800): StorageError, not recovered" in said
    assert "recorded: shard 8 (items 700..800): StorageError, recovered since" in said
    assert "recorded: group 0: the record cannot be read, not recovered" in said
    assert "recorded: at least 2 more" in said
    assert "can be redriven: hpc redrive job-1 --stage dev" in said
    assert "hpc fetch" not in said


def status(succeeded: int, failed: int) -> JobStatus:
    counts = ShardCounts(total=10, pending=0, running=0, succeeded=succeeded, failed=failed)
    return JobStatus(job_id="job-1", status="RUNNING", started_at=STARTED_AT, shards=counts)


def test_tolerated_shard_does_not_keep_a_job_classifying_for_ever() -> None:
    assert _phase(status(8, 1)) == "classifying"
    assert _phase(status(9, 1)) == "reducing"


def test_unlisted_failures_are_said_to_be_more(failed, api) -> None:
    listed = [ToldFailure(kind="shard", number=number, recovered=False) for number in range(7)]
    told = Failures(recorded=7, more=False, listed=listed)
    failed.end_after_redrive = FAILED | {"failures": told}
    with pytest.raises(JobFailedError, match=r"shard 4, \.\.\."):
        wait(api)
