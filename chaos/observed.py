"""Reads off a request which job it belongs to and what step of the job it is.

Keys and paths tell it all; nothing is asked of the functions. A request that belongs to no watched
job is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.plan import Operation
from shpc_core import idx

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OBJECT = re.compile(r"(?:^|/)(?P<key>(?:inputs|jobs)/.+)$")
_API_STATUS = re.compile(r"/_http_api/[^/]+/jobs/(?P<job>[^/]+)$")
_API_SUBMIT = re.compile(r"/_http_api/[^/]+/jobs$")
_RANGE = re.compile(r"bytes=(\d+)-\d+")
_NUMBERED = re.compile(r"/(\d{6})\.")
_IMAGE_BYTES = idx.IMAGE_SHAPE[0] * idx.IMAGE_SHAPE[1]


@dataclass(frozen=True)
class Watched:
    """A job to look out for: its id, the key of its images, how many images make a shard."""

    job_id: str
    images_key: str
    shard_size: int


@dataclass(frozen=True)
class Seen:
    """One request of one job; `shard` where it is about a single one."""

    job_id: str
    operation: Operation
    shard: int | None = None


def seen(environ: WSGIEnvironment, jobs: Mapping[str, Watched], *, submitted: str) -> Seen | None:
    """What `environ` is; `submitted` is the job id in the body of a POST /jobs, empty otherwise.

    `jobs` are the watched jobs by id and, a second time, by the key of their images.
    """
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if submitted:
        return Seen(submitted, Operation.SUBMIT) if submitted in jobs else None
    if asked := _API_STATUS.search(path):
        return Seen(asked["job"], Operation.STATUS) if asked["job"] in jobs else None
    found = _OBJECT.search(path)
    if found is None:
        return None
    key = found["key"]
    if job := jobs.get(key):
        return _input_read(environ, job)
    prefix, _, rest = key.partition("/")
    job_id, _, name = rest.partition("/")
    if prefix != "jobs" or job_id not in jobs:
        return None
    return _of_results(method, job_id, name)


def is_submission(environ: WSGIEnvironment) -> bool:
    """Whether it is a POST /jobs, whose body names the job."""
    return (
        environ["REQUEST_METHOD"] == "POST" and _API_SUBMIT.search(environ["PATH_INFO"]) is not None
    )


def _input_read(environ: WSGIEnvironment, job: Watched) -> Seen | None:
    asked = _RANGE.match(environ.get("HTTP_RANGE", ""))
    header_bytes = idx.header_bytes(1 + len(idx.IMAGE_SHAPE))
    if asked is None or int(asked[1]) < header_bytes:
        # The plan's look at the header, or the upload itself.
        return None
    image = (int(asked[1]) - header_bytes) // _IMAGE_BYTES
    return Seen(job.job_id, Operation.SHARD_READ, image // job.shard_size)


def _of_results(method: str, job_id: str, name: str) -> Seen | None:
    reads = method == "GET"
    writes = method == "PUT"
    folder = name.partition("/")[0]
    numbered = _NUMBERED.search(f"/{name.rpartition('/')[2]}")
    shard = int(numbered[1]) if folder == "shards" and numbered else None
    operations = {
        ("shards", True): Operation.GROUP_READ,
        ("shards", False): Operation.SHARD_WRITE,
        ("parts", False): Operation.GROUP_WRITE,
        ("map", False): Operation.MAP_WRITE,
        ("shards.json", True): Operation.LIST_READ,
        ("shards.json", False): Operation.PLAN_WRITE,
        ("groups.json", True): Operation.LIST_READ,
        ("groups.json", False): Operation.PLAN_WRITE,
        ("report.json", False): Operation.REPORT_WRITE,
    }
    operation = operations.get((folder, reads)) if reads or writes else None
    return None if operation is None else Seen(job_id, operation, shard)
