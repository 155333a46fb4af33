"""What ends a job from outside: a request, its time, its memory, the end of the cloud.

https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from tests.localcloud.batch.bench import reaches_output


def test_terminated_job_is_asked_to_end_and_is_not_tried_again(bench, queue):
    command = 'trap "echo asked; exit 9" TERM; echo ready; while :; do sleep 0.01; done'
    job_id = bench.submit(command, queue=queue, retryStrategy={"attempts": 3})
    reaches_output(bench, job_id, "ready")
    bench.client.terminate_job(jobId=job_id, reason="not needed")
    job = bench.end_of(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "not needed")
    assert (job["isTerminated"], len(job["attempts"])) == (True, 1)
    assert job["container"]["exitCode"] == 9
    assert bench.lines(job) == ["ready", "asked"]


def test_job_that_does_not_listen_is_killed_with_all_it_started(bench, queue, tmp_path):
    pid_file = tmp_path / "pid"
    command = f'trap "" TERM; sleep 600 & echo $! > {pid_file}; echo ready; wait; sleep 600'
    job_id = bench.submit(command, queue=queue)
    reaches_output(bench, job_id, "ready")
    child = psutil.Process(int(pid_file.read_text()))
    bench.client.terminate_job(jobId=job_id, reason="r")
    assert bench.end_of(job_id)["container"]["exitCode"] == 137
    child.wait(10)


def test_terminated_array_ends_with_all_its_children(bench, queue, gate):
    array = bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 8})
    bench.reaches(f"{array}:3", "RUNNING")
    assert bench.describe(f"{array}:4")["status"] == "RUNNABLE"
    bench.client.terminate_job(jobId=array, reason="enough")
    assert bench.end_of(array)["arrayProperties"]["statusSummary"]["FAILED"] == 8
    for index in (0, 7):
        assert bench.describe(f"{array}:{index}")["statusReason"] == "enough"
    assert bench.cloud.batch.running_processes() == []


def test_cancelling_leaves_what_runs_and_ends_what_waits(bench, queue, gate):
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html"""
    running = bench.submit(f"cat {gate}", queue=queue)
    waiting = bench.submit("true", queue=queue, dependsOn=[{"jobId": running}])
    bench.reaches(running, "RUNNING")
    for job_id in (running, waiting):
        bench.client.cancel_job(jobId=job_id, reason="never mind")
    job = bench.end_of(waiting)
    assert (job["statusReason"], job["isCancelled"]) == ("never mind", True)
    assert bench.describe(running)["status"] == "RUNNING"
    gate.open()
    assert bench.end_of(running)["status"] == "SUCCEEDED"


def test_unknown_job_cannot_be_stopped(bench):
    for call in ("cancel_job", "terminate_job"):
        assert "unknown does not exist" in bench.refusal(call, jobId="unknown", reason="r")


def test_attempt_past_its_time_is_ended_and_not_tried_again(bench, queue):
    job = bench.run(
        "sleep 600",
        queue=queue,
        timeout={"attemptDurationSeconds": 1},
        retryStrategy={"attempts": 3},
    )
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(job["attempts"]) == 1
    assert 1000 <= job["stoppedAt"] - job["startedAt"] < 10_000


def test_container_past_its_memory_is_killed_and_says_so(bench, queue):
    needs = [{"type": "MEMORY", "value": "64"}]
    hungry = "python3 -c 'held = bytearray(200_000_000); input()'"
    job = bench.run(
        f"exec {hungry} < /dev/zero", queue=queue, overrides={"resourceRequirements": needs}
    )
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert job["statusReason"] == "Essential container in task exited"


def test_processes_left_by_a_container_end_with_it(bench, queue, tmp_path):
    pid_file = tmp_path / "pid"
    command = f"sleep 600 > /dev/null 2>&1 & echo $! > {pid_file}"
    assert bench.run(command, queue=queue)["status"] == "SUCCEEDED"
    pid = int(pid_file.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).wait(10) is None


def test_folder_of_a_container_is_its_own_and_goes_with_it(bench, queue):
    job = bench.run(
        'echo text > "$TMPDIR/file"; echo "$TMPDIR"; test "$HOME" = "$TMPDIR"', queue=queue
    )
    assert job["status"] == "SUCCEEDED"
    (folder,) = bench.lines(job)
    assert not Path(folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_descriptors_are_closed_after_every_container(bench, queue):
    bench.run("true", queue=queue)
    before = len(list(Path("/proc/self/fd").iterdir()))
    bench.end_of(bench.submit("true", queue=queue, arrayProperties={"size": 40}))
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 20
