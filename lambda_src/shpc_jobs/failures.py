"""The failures that a job's workflow recorded, and which of them have been made good since.

Of a job that failed in thousands of places the first are enough: what is asked of S3 for one
answer is bounded, and how many more there are is said.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

import msgspec

from shpc_core import failures, keys
from shpc_http.causes import plain_cause

# One page of ListObjectsV2.
MOST_COUNTED = 1_000
MOST_TOLD = 20
_MOST_CAUSE = 1_000
_NAME = re.compile(r"(shard|group)-(\d+)\.json")
_ABSENT = ("NoSuchKey", "NoSuchBucket", "AccessDenied", "404", "403")


class S3(Protocol):
    """What is asked of a boto3 client."""

    exceptions: Any

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> Any:  # noqa: N803
        """A page of keys."""

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        """An object."""

    def head_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        """Whether there is one."""


class ToldFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `recovered`: the result exists by now, whatever the record says.

    Of a record that cannot be read, all but its number is null.
    """

    kind: str
    number: int
    start: int | None
    stop: int | None
    error: str | None
    cause: str | None
    recorded_at: str | None
    recovered: bool


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures are recorded (`more` where that is only the first), and the first."""

    recorded: int
    more: bool
    listed: list[ToldFailure]


def recorded_failures(s3: S3, bucket: str, job_id: str) -> Failures | None:
    """The job's records, shards before groups, by number; None where nobody can say any more."""
    prefix = keys.failures(job_id)
    try:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=MOST_COUNTED)
    except s3.exceptions.ClientError as error:
        if _code(error) in _ABSENT:
            return None
        raise
    names = (
        _NAME.fullmatch(found["Key"].removeprefix(prefix)) for found in page.get("Contents", [])
    )
    found = sorted(((name[1], int(name[2])) for name in names if name), key=_shards_first)
    return Failures(
        recorded=len(found),
        more=bool(page.get("IsTruncated")),
        listed=[_told(s3, bucket, job_id, kind, number) for kind, number in found[:MOST_TOLD]],
    )


def _shards_first(one: tuple[str, int]) -> tuple[bool, int]:
    return one[0] != "shard", one[1]


def _told(s3: S3, bucket: str, job_id: str, kind: str, number: int) -> ToldFailure:
    if kind == "shard":
        key, result = keys.shard_failure(job_id, number), keys.shard_result(job_id, number)
    else:
        key, result = keys.group_failure(job_id, number), keys.part_summary(job_id, number)
    recovered = _exists(s3, bucket, result)
    try:
        record = failures.decode(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except (msgspec.DecodeError, ValueError):
        return ToldFailure(
            kind=kind,
            number=number,
            start=None,
            stop=None,
            error=None,
            cause=None,
            recorded_at=None,
            recovered=recovered,
        )
    cause = plain_cause(record.failure.cause)
    return ToldFailure(
        kind=kind,
        number=number,
        start=record.lost.start,
        stop=record.lost.stop,
        error=record.failure.error,
        cause=None if cause is None else cause[:_MOST_CAUSE],
        recorded_at=record.recorded_at,
        recovered=recovered,
    )


def _exists(s3: S3, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        # S3 denies instead of admitting an absence to those who may not list the key.
        if _code(error) in _ABSENT:
            return False
        raise
    return True


def _code(error: Any) -> str:
    code: str = error.response["Error"]["Code"]
    return code
