"""ListJobs and DescribeJobs, tags, and requests that are no requests.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
"""

from __future__ import annotations

import pytest


def ids(answer):
    return [job["jobId"] for job in answer["jobSummaryList"]]


def test_jobs_of_a_queue_are_listed_by_their_state(bench, queue, gate, stopping):
    done = bench.submit("true", queue=queue)
    failed = bench.submit("exit 7", queue=queue)
    array = bench.submit("true", queue=queue, arrayProperties={"size": 2})
    for job in (done, failed, array):
        bench.end_of(job)
    running = stopping(bench.submit(f"cat {gate}", queue=queue))
    bench.reaches(running, "RUNNING")

    listed = bench.client.list_jobs
    assert ids(listed(jobQueue=queue)) == [running]
    assert ids(listed(jobQueue=queue, jobStatus="SUCCEEDED")) == [array, done]
    (summary,) = listed(jobQueue=queue, jobStatus="FAILED")["jobSummaryList"]
    assert (summary["jobId"], summary["container"]) == (failed, {"exitCode": 7})
    (summary,) = (s for s in listed(jobQueue=queue, jobStatus="SUCCEEDED")["jobSummaryList"][:1])
    assert summary["arrayProperties"] == {"size": 2}
    by_name = [{"name": "JOB_NAME", "values": ["JO*"]}]
    assert ids(listed(jobQueue=queue, filters=by_name)) == [running, array, failed, done]


def test_children_are_listed_a_page_at_a_time(bench, queue):
    array = bench.submit("true", queue=queue, arrayProperties={"size": 7})
    bench.end_of(array)
    pages = bench.client.get_paginator("list_jobs").paginate(
        arrayJobId=array, jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 3}
    )
    found = [ids(page) for page in pages]
    assert [len(page) for page in found] == [3, 3, 1]
    assert [job for page in found for job in page] == [f"{array}:{i}" for i in range(7)]


def test_unknown_jobs_are_left_out_and_too_many_refused(bench, queue):
    job = bench.submit("true", queue=queue)
    told = bench.client.describe_jobs(jobs=["unknown", job])["jobs"]
    assert [each["jobId"] for each in told] == [job]
    assert bench.refusal("describe_jobs", jobs=["j"] * 101) == "jobs: 101 ids; allowed: at most 100"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "ListJobs: allowed: one of jobQueue and arrayJobId"),
        ({"arrayJobId": "unknown"}, "arrayJobId: there is no such array job"),
        ({"multiNodeJobId": "m"}, "ListJobs: multiNodeJobId is not modelled"),
        ({"jobQueue": "unknown"}, "job-queue unknown does not exist"),
    ],
)
def test_list_of_nothing_in_particular_is_refused(bench, given, said):
    assert bench.refusal("list_jobs", **given).startswith(said)


def test_tags_come_and_go(bench, queue):
    client = bench.client
    client.tag_resource(resourceArn=queue, tags={"a": "1", "b": "2", "c": "3"})
    client.untag_resource(resourceArn=queue, tagKeys=["a", "c"])
    assert client.list_tags_for_resource(resourceArn=queue)["tags"] == {"b": "2"}
    assert "does not exist" in bench.refusal("list_tags_for_resource", resourceArn=f"{queue}x")


def test_operation_that_is_not_modelled_is_refused_by_name(bench):
    assert bench.refusal("list_scheduling_policies").startswith(
        "ListSchedulingPolicies is not modelled by this embedded cloud; modelled: CancelJob, "
    )
