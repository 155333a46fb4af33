"""https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html"""

from __future__ import annotations

from itertools import pairwise

import pytest


def test_job_waits_for_those_it_depends_on(bench, queue, gate):
    first = bench.submit(f"cat {gate}", queue=queue)
    second = bench.submit("true", queue=queue, dependsOn=[{"jobId": first}])
    bench.reaches(first, "RUNNING")
    assert bench.describe(second)["status"] == "PENDING"
    gate.open()
    assert bench.end_of(second)["status"] == "SUCCEEDED"
    assert bench.describe(second)["startedAt"] >= bench.describe(first)["stoppedAt"]


def test_job_whose_dependency_fails_fails_and_so_do_those_after_it(bench, queue, gate):
    first = bench.submit(f"cat {gate}; exit 1", queue=queue)
    second = bench.submit("true", queue=queue, dependsOn=[{"jobId": first}])
    third = bench.submit("true", queue=queue, dependsOn=[{"jobId": second}])
    gate.open()
    for later in (second, third):
        job = bench.end_of(later)
        assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
        assert job["attempts"] == []


@pytest.mark.parametrize(("command", "outcome"), [("true", "SUCCEEDED"), ("false", "FAILED")])
def test_job_may_depend_on_one_that_has_ended(bench, queue, command, outcome):
    first = bench.submit(command, queue=queue)
    bench.end_of(first)
    assert bench.run("true", queue=queue, dependsOn=[{"jobId": first}])["status"] == outcome


def test_job_waits_for_a_whole_array(bench, queue):
    array = bench.submit("true", queue=queue, arrayProperties={"size": 5})
    job = bench.run("true", queue=queue, dependsOn=[{"jobId": array}])
    assert job["status"] == "SUCCEEDED"
    assert job["startedAt"] >= bench.describe(array)["stoppedAt"]


def test_sequential_children_run_one_after_another(bench, queue):
    array = bench.submit(
        "true", queue=queue, arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}]
    )
    assert bench.end_of(array)["status"] == "SUCCEEDED"
    children = [bench.describe(f"{array}:{index}") for index in range(4)]
    for earlier, later in pairwise(children):
        assert later["startedAt"] >= earlier["stoppedAt"]


def test_long_chain_of_children_fails_as_one(bench, queue):
    array = bench.submit(
        "false", queue=queue, arrayProperties={"size": 3000}, dependsOn=[{"type": "SEQUENTIAL"}]
    )
    job = bench.end_of(array)
    assert job["arrayProperties"]["statusSummary"]["FAILED"] == 3000
    assert bench.describe(f"{array}:2999")["statusReason"] == "Dependent Job failed"


def test_children_wait_for_their_own_counterpart(bench, queue, gate):
    held = f'test "$AWS_BATCH_JOB_ARRAY_INDEX" = 1 || cat {gate}'
    first = bench.submit(held, queue=queue, arrayProperties={"size": 2})
    second = bench.submit(
        "true",
        queue=queue,
        arrayProperties={"size": 2},
        dependsOn=[{"jobId": first, "type": "N_TO_N"}],
    )
    assert bench.end_of(f"{second}:1")["status"] == "SUCCEEDED"
    assert bench.describe(f"{second}:0")["status"] == "PENDING"
    gate.open()
    assert bench.end_of(second)["status"] == "SUCCEEDED"


def test_dependencies_that_cannot_be_are_refused(bench, queue):
    job = bench.submit("true", queue=queue)
    array = bench.submit("true", queue=queue, arrayProperties={"size": 2})
    request = {"jobName": "j", "jobQueue": queue, "jobDefinition": bench.definition()}
    three = {"arrayProperties": {"size": 3}}

    def said(depends_on, **given):
        return bench.refusal("submit_job", **request, **given, dependsOn=depends_on)

    assert said([{"jobId": "unknown"}]) == "dependsOn: job 'unknown' does not exist"
    assert said([{"jobId": job}] * 21) == "dependsOn: 21 jobs; allowed: at most 20"
    assert "for array jobs only" in said([{"type": "SEQUENTIAL"}])
    for other in (job, array):
        assert "same size" in said([{"jobId": other, "type": "N_TO_N"}], **three)
