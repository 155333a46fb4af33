"""DescribeJobs and ListJobs.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from localcloud.batch.errors import client_exception
from localcloud.batch.jobs import RUNNING, STATES, ArrayJob, Job
from localcloud.batch.queues import JobQueues

_MOST_DESCRIBED = 100
_PAGE = 100
_MOST_LISTED = 1000


def describe_jobs(given: Mapping[str, Any], known: Mapping[str, Job]) -> dict[str, Any]:
    """Those of the given ids that there are."""
    wanted = given["jobs"]
    if len(wanted) > _MOST_DESCRIBED:
        raise client_exception(f"jobs: {len(wanted)} ids; allowed: at most {_MOST_DESCRIBED}")
    return {"jobs": [known[job_id].describe() for job_id in wanted if job_id in known]}


def list_jobs(
    given: Mapping[str, Any], known: Mapping[str, Job], queues: JobQueues
) -> dict[str, Any]:
    """Of a queue or an array, in one state or by one filter, a page at a time."""
    if "multiNodeJobId" in given:
        raise client_exception("ListJobs: multiNodeJobId is not modelled by this embedded cloud")
    if ("jobQueue" in given) == ("arrayJobId" in given):
        raise client_exception("ListJobs: allowed: one of jobQueue and arrayJobId")
    if "arrayJobId" in given:
        jobs = _children(known.get(given["arrayJobId"]))
    else:
        queue = queues.get(given["jobQueue"])
        # Newest first.
        jobs = [job for job in known.values() if job.queue is queue and job.array is None][::-1]
    if filters := given.get("filters"):
        jobs = _filtered(jobs, filters)
    else:
        status = given.get("jobStatus", RUNNING)
        if status not in STATES:
            raise client_exception(f"jobStatus: {status!r}; allowed: {', '.join(STATES)}")
        jobs = [job for job in jobs if job.status == status]
    return _page(jobs, given)


def _children(array: Job | None) -> list[Job]:
    if not isinstance(array, ArrayJob):
        raise client_exception("arrayJobId: there is no such array job")
    return array.children


def _filtered(jobs: Sequence[Job], filters: Sequence[Mapping[str, Any]]) -> list[Job]:
    if len(filters) != 1:
        raise client_exception(f"filters: {len(filters)}; allowed: one")
    name, values = filters[0].get("name", ""), filters[0].get("values") or []
    tests: dict[str, Callable[[Job, str], bool]] = {
        "JOB_NAME": lambda job, value: fnmatchcase(job.name.lower(), value.lower()),
        "JOB_DEFINITION": lambda job, value: value in job.definition_arn,
        "BEFORE_CREATED_AT": lambda job, value: job.created_at < int(value),
        "AFTER_CREATED_AT": lambda job, value: job.created_at > int(value),
    }
    if name not in tests:
        raise client_exception(f"filters.name: {name!r}; allowed: {', '.join(tests)}")
    return [job for job in jobs if any(tests[name](job, value) for value in values)]


def _page(jobs: Sequence[Job], given: Mapping[str, Any]) -> dict[str, Any]:
    size = int(given.get("maxResults", _PAGE))
    if not 1 <= size <= _MOST_LISTED:
        raise client_exception(f"maxResults: {size}; allowed: 1 to {_MOST_LISTED}")
    start = int(given.get("nextToken") or 0)
    stop = start + size
    answer: dict[str, Any] = {"jobSummaryList": [job.summary() for job in jobs[start:stop]]}
    return answer if stop >= len(jobs) else {**answer, "nextToken": str(stop)}
