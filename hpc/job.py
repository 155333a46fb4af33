"""Starts a job, or restarts what was lost of it, and watches it to its end.

Nothing of the job depends on this process: it is started under an id that the client chose, so that
a repeated POST starts no second one, and whoever knows the id can watch it or fetch its results.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hpc.api import ENDED, JobsApi, JobStatus
from hpc.errors import JobFailedError, JobInterruptedError, UnexpectedAnswerError
from hpc.progress import ProgressView

WORKLOAD = "classify"
# Waiting costs the client's figure for the job's time at most this share of it, or this much.
_POLL_SHARE = 0.05
_POLL_AT_LEAST_S = 0.25
_POLL_AT_MOST_S = 5.0
_NAMED_FAILURES = 5


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What to run: keys in the input bucket, and how many images make a shard."""

    job_id: str
    images_key: str
    labels_key: str | None
    shard_size: int


@dataclass(frozen=True, kw_only=True)
class EndedJob:
    """A job that has succeeded, how long it took, and by whose clock.

    `seconds` runs from this client's POST to the moment it saw SUCCEEDED when `clock` is "client",
    and from the execution's start to its stop when `clock` is "service" (it was started before).
    """

    status: JobStatus
    seconds: float
    clock: str


def submit(api: JobsApi, request: JobRequest) -> bool:
    """POST the job; whether that started it. Doing so again with the same request does not."""
    answer = api.submit(
        job_id=request.job_id,
        workload=WORKLOAD,
        images=request.images_key,
        labels=request.labels_key,
        shard_size=request.shard_size,
    )
    return answer.created


def redrive(api: JobsApi, job_id: str) -> int:
    """Restart what was lost of a job that ended without success; how often it was redriven now.

    Raises ApiError where it is unknown, runs, or cannot be redriven.
    """
    before = api.status(job_id).redrive_count
    api.redrive(job_id, token=secrets.token_hex(16))
    return before + 1


def redrive_and_wait(
    api: JobsApi,
    job_id: str,
    view: ProgressView,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> JobStatus:
    """Redrive the job and poll until it ends again. Raises as `redrive` and `wait` do."""
    with _going_on(job_id):
        redrives = redrive(api, job_id)
    return wait(api, job_id, view, since=clock(), clock=clock, sleep=sleep, redrives=redrives)


def submit_and_wait(
    api: JobsApi,
    request: JobRequest,
    view: ProgressView,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> EndedJob:
    """POST the job and poll until it ends. Raises as `wait` does."""
    posted_at = clock()
    with _going_on(request.job_id):
        started = submit(api, request)
    status = wait(api, request.job_id, view, since=posted_at, clock=clock, sleep=sleep)
    if not started:
        return _timed_by_service(status)
    return EndedJob(status=status, seconds=clock() - posted_at, clock="client")


def join(
    api: JobsApi,
    job_id: str,
    view: ProgressView,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> EndedJob:
    """Poll a job that somebody has started, until it ends. Raises as `wait` does."""
    return _timed_by_service(wait(api, job_id, view, since=clock(), clock=clock, sleep=sleep))


def wait(
    api: JobsApi,
    job_id: str,
    view: ProgressView,
    *,
    since: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    redrives: int = 0,
) -> JobStatus:
    """Poll until the job has succeeded, ever more rarely the longer it runs.

    An end before that many `redrives` is an old one: what AWS tells lags behind.

    Raises JobFailedError with the job's own words when it ends otherwise, JobInterruptedError on
    Ctrl-C: the job goes on.
    """
    with _going_on(job_id), view:
        while True:
            status = api.status(job_id)
            elapsed_s = clock() - since
            view.show(status, elapsed_s)
            if status.status in ENDED and status.redrive_count >= redrives:
                break
            sleep(min(max(_POLL_AT_LEAST_S, _POLL_SHARE * elapsed_s), _POLL_AT_MOST_S))
    if status.status != "SUCCEEDED":
        reason = ": ".join(text for text in (status.error, status.cause) if text)
        raise JobFailedError(
            f"job {job_id} {status.status}: {reason or 'no reason given'}{_recorded(status)}",
            redrivable=job_id if status.is_redrivable else None,
        )
    return status


def _recorded(status: JobStatus) -> str:
    """What is recorded besides the reason, and not recovered since."""
    if status.failures is None:
        return ""
    lost = [one for one in status.failures.listed if not one.recovered]
    named = ", ".join(f"{one.kind} {one.number}" for one in lost[:_NAMED_FAILURES])
    more = "" if len(lost) <= _NAMED_FAILURES and not status.failures.more else ", ..."
    return f"\nfailures are recorded of {named}{more}" if named else ""


def _timed_by_service(status: JobStatus) -> EndedJob:
    if status.stopped_at is None:
        raise UnexpectedAnswerError(f"job {status.job_id} is {status.status}, but has no end")
    seconds = (status.stopped_at - status.started_at).total_seconds()
    return EndedJob(status=status, seconds=seconds, clock="service")


@contextmanager
def _going_on(job_id: str) -> Iterator[None]:
    """Ctrl-C ends the watching and nothing else."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise JobInterruptedError(job_id) from interrupt
