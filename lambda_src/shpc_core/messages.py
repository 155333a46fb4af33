"""What a job is asked for and what its steps tell each other: typed, checked where it enters.

Unknown and missing fields are refused by name, so that a misspelt option is never ignored.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from shpc_core.errors import InvalidInput
from shpc_core.keys import INPUT_PREFIX

# \A and \Z: `$` would let a newline through at the end.
JobId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
InputKey = Annotated[
    str, Meta(pattern=rf"\A{INPUT_PREFIX}(?!.*\.\.)[^\x00-\x1f]+\Z", max_length=1024)
]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]

_ALLOWED = {
    "job_id": "1 to 64 letters, digits, - or _",
    "workload": '"classify"',
    "input": '{"images": key, "labels": key or null}',
    "images": f'a key that starts with "{INPUT_PREFIX}" and has no ".."',
    "labels": f'a key that starts with "{INPUT_PREFIX}" and has no "..", or null',
    "shard_size": "a whole number of images, at least 1",
    "shard": '{"shard", "start", "stop"}, whole numbers as in shards.json',
    "group": '{"group", "first_shard", "last_shard", "start", "stop"} as in groups.json',
    "level": '"group" or "job"',
}

_Payload = TypeVar("_Payload")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all messages share: they do not change, and have no fields but their own."""


class Input(Message, frozen=True, kw_only=True):
    """The objects of the input bucket that a job reads."""

    images: InputKey
    labels: InputKey | None = None


class JobRequest(Message, frozen=True, kw_only=True):
    """One job: also the body of POST /jobs and the state machine's input."""

    job_id: JobId
    input: Input
    workload: Literal["classify"] = "classify"
    shard_size: Positive = 100


class JobReference(Message, frozen=True, kw_only=True):
    """A job that was asked for before."""

    job_id: JobId


class Shard(Message, frozen=True, kw_only=True):
    """Number `shard` of the job: items `start..stop-1`."""

    shard: Count
    start: Count
    stop: Positive


class Group(Message, frozen=True, kw_only=True):
    """Shards `first_shard..last_shard` (both included), which hold items `start..stop-1`."""

    group: Count
    first_shard: Count
    last_shard: Count
    start: Count
    stop: Positive


class StoredList(Message, frozen=True, kw_only=True):
    """A JSON list in the results bucket and how many entries it has."""

    key: str
    count: Positive


class Plan(Message, frozen=True, kw_only=True):
    """What the maps and the report need to know of a planned job."""

    job_id: JobId
    input: Input
    images: Positive
    shards: StoredList
    groups: StoredList
    map_prefix: str


class ShardRequest(Message, frozen=True, kw_only=True):
    """Classify one shard; `attempt` counts the retries before this one."""

    job_id: JobId
    input: Input
    shard: Shard
    attempt: Count = 0


class ShardAnswer(Message, frozen=True, kw_only=True):
    """Shard number and how many items were predicted."""

    shard: int
    count: int


class GroupRequest(Message, frozen=True, kw_only=True):
    """Reduce one group of shards to a part."""

    level: Literal["group"] = "group"
    job_id: JobId
    input: Input
    group: Group
    attempt: Count = 0


class GroupAnswer(Message, frozen=True, kw_only=True):
    """Group number and how many items its part holds."""

    group: int
    count: int


class ReportRequest(Message, frozen=True, kw_only=True):
    """Sum the parts of a job to its report."""

    level: Literal["job"] = "job"
    job_id: JobId
    input: Input
    images: Positive
    shards: StoredList
    groups: StoredList


class ReportAnswer(Message, frozen=True, kw_only=True):
    """Where the report lies; the output of the whole execution."""

    job_id: str
    report_key: str


def parse(payload: Any, kind: type[_Payload]) -> _Payload:
    """`payload` (parsed JSON) as a message of `kind`; `InvalidInput` names the first bad field."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from error


def _invalid(sentence: str) -> InvalidInput:
    """msgspec's sentence taken apart, such as "Expected `int`, got `str` - at `$.shard.start`"."""
    problem, _, location = sentence.partition(" - at ")
    path = location.strip("`").removeprefix("$").removeprefix(".")
    if named := re.search(r"(missing required|unknown) field `(\w+)`", problem):
        verb = "is missing" if named[1].startswith("missing") else "is not a field of this request"
        field = f"{path}.{named[2]}" if path else named[2]
        allowed = _ALLOWED.get(named[2]) or _ALLOWED.get(path) or "the documented fields alone"
        return InvalidInput(field, verb, allowed)
    field = path or "request"
    expected, _, got = problem.removeprefix("Expected ").partition(", got ")
    if got:
        problem = f"is of type {got}".replace("`", "")
    elif problem.startswith("Invalid enum value "):
        problem = f"is {problem.removeprefix('Invalid enum value ')}"
    elif expected != problem:
        problem = "has a value outside what is allowed"
    allowed = _ALLOWED.get(field.rpartition(".")[2], expected.replace("`", ""))
    return InvalidInput(field, problem, allowed)
