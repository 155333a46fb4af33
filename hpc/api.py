"""The HTTP API as typed calls: the server checks what goes in, this checks what comes out.

It knows the routes and their shapes. It decides nothing about a job (see `job`), and turns
every refusal into an ApiError with the server's own code, field and message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec
import requests

from hpc.errors import ApiError, UnexpectedAnswerError
from shpc_core.pictures import PicturesAnswer
from shpc_core.results import JobReport

State = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
ENDED: frozenset[State] = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})

T = TypeVar("T")


class Submitted(msgspec.Struct, frozen=True):
    """Answer to POST /jobs; `created` is false when the same job was already there."""

    job_id: str
    status: str
    created: bool


class ShardCounts(msgspec.Struct, frozen=True):
    """How far the map over shards has come."""

    total: int
    pending: int
    running: int
    succeeded: int
    failed: int


class PartUrls(msgspec.Struct, frozen=True):
    """One part's columns and summary, items [start, stop): presigned addresses and sha256."""

    url: str
    sha256: str
    summary_url: str
    summary_sha256: str
    start: int
    stop: int


class ToldFailure(msgspec.Struct, frozen=True):
    """A recorded failure of one shard or group; all but its number is None if it is unreadable."""

    kind: str
    number: int
    recovered: bool
    start: int | None = None
    stop: int | None = None
    error: str | None = None
    cause: str | None = None
    recorded_at: str | None = None


class Failures(msgspec.Struct, frozen=True):
    """The failures that the job's workflow recorded: how many (or `more`), and the first."""

    recorded: int
    more: bool
    listed: list[ToldFailure]


class Redriven(msgspec.Struct, frozen=True):
    """Answer to POST /jobs/{id}/redrive."""

    job_id: str
    status: str
    redriven_at: datetime


class JobStatus(msgspec.Struct, frozen=True):
    """Answer to GET /jobs/{id}. `report` and `parts` are there once the job has succeeded.

    `failures` is None where nobody looked: a running job that has lost nothing.
    """

    job_id: str
    status: State
    started_at: datetime
    stopped_at: datetime | None = None
    shards: ShardCounts | None = None
    error: str | None = None
    cause: str | None = None
    failures: Failures | None = None
    redrive_count: int = 0
    redrive_status: str | None = None
    redrive_status_reason: str | None = None
    report: JobReport | None = None
    parts: list[PartUrls] = []

    @property
    def is_redrivable(self) -> bool:
        """Whether AWS would go on with it where it failed."""
        return self.redrive_status == "REDRIVABLE"


class _ServerError(msgspec.Struct):
    code: str
    message: str
    field: str | None = None


class _ServerErrorBody(msgspec.Struct):
    error: _ServerError


class JobsApi:
    """The deployed API. `session` signs, times out and retries (see `http_session`)."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self.calls = 0

    def submit(
        self, *, job_id: str, workload: str, images: str, labels: str | None, shard_size: int
    ) -> Submitted:
        """POST /jobs: start job `job_id` over the input keys `images` and, if given, `labels`."""
        body = {
            "job_id": job_id,
            "workload": workload,
            "input": {"images": images, "labels": labels},
            "shard_size": shard_size,
        }
        return self._call("POST", "/jobs", Submitted, json=body)

    def status(self, job_id: str) -> JobStatus:
        """GET /jobs/{id}. An unknown id is an ApiError with status 404."""
        return self._call("GET", f"/jobs/{quote(job_id, safe='')}", JobStatus)

    def redrive(self, job_id: str, *, token: str) -> Redriven:
        """POST /jobs/{id}/redrive. What cannot be redriven is an ApiError with status 409.

        The same token again, within 15 minutes, is the same redrive.
        """
        path = f"/jobs/{quote(job_id, safe='')}/redrive"
        return self._call("POST", path, Redriven, json={"token": token})

    def classify(self, pictures: Sequence[str]) -> PicturesAnswer:
        """POST /classify with 1 to 100 pictures, each the base64 text of a picture file."""
        answer = self._call("POST", "/classify", PicturesAnswer, json={"images": list(pictures)})
        if len(answer.predictions) != len(pictures):
            raise UnexpectedAnswerError(
                f"{len(pictures)} pictures, but {len(answer.predictions)} predictions in the answer"
            )
        return answer

    def _call(self, method: str, path: str, answer_type: type[T], *, json: Any = None) -> T:
        self.calls += 1
        response = self._session.request(method, f"{self._url}{path}", json=json)
        if not response.ok:
            raise _api_error(response)
        try:
            return msgspec.json.decode(response.content, type=answer_type)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswerError(
                f"{method} {path} answered {response.status_code} in a shape this client does not "
                f"know ({error}); are the client and the deployment of the same version?"
            ) from error


def _api_error(response: requests.Response) -> ApiError:
    """The server's own error body, or what API Gateway itself says before any function runs."""
    try:
        body = msgspec.json.decode(response.content, type=_ServerErrorBody)
    except msgspec.DecodeError:
        return ApiError(
            status=response.status_code,
            code=response.reason.lower().replace(" ", "_") or "unknown",
            field=None,
            message=response.text.strip()[:500] or "no message",
        )
    return ApiError(
        status=response.status_code,
        code=body.error.code,
        field=body.error.field,
        message=body.error.message,
    )
