"""What a job is asked for and what its steps tell each other: typed, checked where it enters.

Unknown and missing fields are refused by name, so that a misspelt option is never ignored.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from shpc_core import keys
from shpc_core.errors import InvalidInput
from shpc_core.limits import (
    MAX_GROUPS,
    MAX_ITEMS,
    MAX_SHARD_SIZE,
    MAX_SHARDS,
    SHARDS_PER_GROUP,
)

# \A and \Z: `$` would let a newline through at the end.
JobId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
RedriveToken = Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]
Items = Annotated[int, Meta(ge=1, le=MAX_ITEMS)]
FirstItem = Annotated[int, Meta(ge=0, lt=MAX_ITEMS)]
ShardSize = Annotated[int, Meta(ge=1, le=MAX_SHARD_SIZE)]
ShardNumber = Annotated[int, Meta(ge=0, lt=MAX_SHARDS)]
GroupNumber = Annotated[int, Meta(ge=0, lt=MAX_GROUPS)]
ListLength = Annotated[int, Meta(ge=1, le=MAX_SHARDS)]
# More attempts than any retry policy makes; a number, not a memory.
Attempt = Annotated[int, Meta(ge=0, le=1_000)]
# Of a job's shards, how many per hundred may be lost; https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
Percentage = Annotated[float, Meta(ge=0, le=100)]

_ALLOWED = {
    "job_id": "1 to 64 letters, digits, - or _",
    "token": "1 to 64 printable ASCII characters without spaces",
    "workload": '"classify"',
    "input": '{"images": key, "labels": key or null}',
    "input.images": keys.ALLOWED_INPUT,
    "input.labels": f"{keys.ALLOWED_INPUT}, or null",
    "images": f"a whole number of images, 1 to {MAX_ITEMS}",
    "shard_size": f"a whole number of images, 1 to {MAX_SHARD_SIZE}",
    "start": f"a whole number, 0 to {MAX_ITEMS - 1}, and less than stop",
    "stop": f"a whole number, 1 to {MAX_ITEMS}, and more than start",
    "shard.shard": f"a whole number, 0 to {MAX_SHARDS - 1}",
    "first_shard": f"a whole number, 0 to {MAX_SHARDS - 1}",
    "last_shard": f"first_shard to first_shard + {SHARDS_PER_GROUP - 1}",
    "group.group": f"a whole number, 0 to {MAX_GROUPS - 1}",
    "count": f"a whole number, 1 to {MAX_SHARDS}",
    "attempt": "a whole number, 0 to 1000",
    "tolerated_failure_percentage": "a number, 0 to 100",
    "shard": '{"shard", "start", "stop"}, whole numbers as in shards.json',
    "group": '{"group", "first_shard", "last_shard", "start", "stop"} as in groups.json',
    "level": '"group" or "job"',
}

_SHOWN = 80

_Payload = TypeVar("_Payload")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all messages share: they do not change, and have no fields but their own."""


class Input(Message, frozen=True, kw_only=True):
    """The objects of the input bucket that a job reads."""

    images: str
    labels: str | None = None

    def __post_init__(self) -> None:
        keys.check_input(self.images, field="input.images")
        if self.labels is not None:
            keys.check_input(self.labels, field="input.labels")


class JobRequest(Message, frozen=True, kw_only=True):
    """One job: also the body of POST /jobs and the state machine's input."""

    job_id: JobId
    input: Input
    workload: Literal["classify"] = "classify"
    shard_size: ShardSize = 100


class JobReference(Message, frozen=True, kw_only=True):
    """A job that was asked for before."""

    job_id: JobId


class RedriveRequest(Message, frozen=True, kw_only=True):
    """Go on with a job that did not succeed; the same token again is the same request."""

    token: RedriveToken


class Shard(Message, frozen=True, kw_only=True):
    """Number `shard` of the job: items `start..stop-1`."""

    shard: ShardNumber
    start: FirstItem
    stop: Items

    def __post_init__(self) -> None:
        _check_range(self.start, self.stop, field="shard")
        if self.stop - self.start > MAX_SHARD_SIZE:
            raise InvalidInput(
                "shard", f"holds {self.stop - self.start} items", f"1 to {MAX_SHARD_SIZE}"
            )


class Group(Message, frozen=True, kw_only=True):
    """Shards `first_shard..last_shard` (both included), which hold items `start..stop-1`."""

    group: GroupNumber
    first_shard: ShardNumber
    last_shard: ShardNumber
    start: FirstItem
    stop: Items

    def __post_init__(self) -> None:
        _check_range(self.start, self.stop, field="group")
        if not 0 <= self.last_shard - self.first_shard < SHARDS_PER_GROUP:
            raise InvalidInput(
                "group.last_shard",
                f"is {self.last_shard} after first_shard {self.first_shard}",
                _ALLOWED["last_shard"],
            )


class StoredList(Message, frozen=True, kw_only=True):
    """A JSON list in the results bucket and how many entries it has."""

    key: str
    count: ListLength


class Plan(Message, frozen=True, kw_only=True):
    """What the maps and the report need to know of a planned job."""

    job_id: JobId
    input: Input
    images: Items
    shards: StoredList
    groups: StoredList
    map_prefix: str


class ShardRequest(Message, frozen=True, kw_only=True):
    """Classify one shard; `attempt` counts the retries before this one."""

    job_id: JobId
    input: Input
    shard: Shard
    attempt: Attempt = 0


class ShardAnswer(Message, frozen=True, kw_only=True):
    """Shard number and how many items were predicted."""

    shard: int
    count: int


class GroupRequest(Message, frozen=True, kw_only=True):
    """Reduce one group of shards to a part; above 0, shards whose failure is recorded may miss."""

    level: Literal["group"] = "group"
    job_id: JobId
    input: Input
    group: Group
    attempt: Attempt = 0
    tolerated_failure_percentage: Percentage = 0.0


class GroupAnswer(Message, frozen=True, kw_only=True):
    """Group number and how many items its part holds."""

    group: int
    count: int


class ReportRequest(Message, frozen=True, kw_only=True):
    """Sum the parts of a job to its report."""

    level: Literal["job"] = "job"
    job_id: JobId
    input: Input
    images: Items
    shards: StoredList
    groups: StoredList
    tolerated_failure_percentage: Percentage = 0.0

    def __post_init__(self) -> None:
        if self.groups.count > MAX_GROUPS:
            raise InvalidInput("groups.count", f"is {self.groups.count}", f"1 to {MAX_GROUPS}")


class ReportAnswer(Message, frozen=True, kw_only=True):
    """Where the report lies; the output of the whole execution."""

    job_id: str
    report_key: str


def parse(payload: Any, kind: type[_Payload]) -> _Payload:
    """`payload` (parsed JSON) as a message of `kind`; `InvalidInput` names the first bad field."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        # What a message's own check raises arrives wrapped, its field already named.
        if isinstance(error.__cause__, InvalidInput):
            raise error.__cause__ from None
        raise _invalid(str(error)) from error


def _check_range(start: int, stop: int, *, field: str) -> None:
    if start >= stop:
        raise InvalidInput(field, f"is the range {start}..{stop}", "start less than stop")


def _invalid(sentence: str) -> InvalidInput:
    """msgspec's sentence taken apart, such as "Expected `int`, got `str` - at `$.shard.start`"."""
    # From the right: an unknown field may be called anything, also " - at ".
    problem, located, path = sentence.rpartition(" - at `$")
    if not located:
        problem, path = sentence, ""
    path = path.removesuffix("`").removeprefix(".")
    if named := re.search(r"(missing required|unknown) field `(.*)`\Z", problem, re.DOTALL):
        verb = "is missing" if named[1].startswith("missing") else "is not a field of this request"
        name = _shortened(named[2]) or "''"
        field = f"{path}.{name}" if path else name
        allowed = _allowed(field) or _ALLOWED.get(path) or "the documented fields alone"
        return InvalidInput(field, verb, allowed)
    field = path or "request"
    expected, _, got = problem.removeprefix("Expected ").partition(", got ")
    if got:
        problem = f"is of type {got}".replace("`", "")
    elif problem.startswith("Invalid enum value "):
        problem = f"is {_shortened(problem.removeprefix('Invalid enum value '))}"
    elif expected != problem:
        problem = "has a value outside what is allowed"
    return InvalidInput(field, problem, _allowed(field) or expected.replace("`", ""))


def _shortened(text: str) -> str:
    """Of what the caller sent, no more than shows which part is meant."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _allowed(field: str) -> str | None:
    return _ALLOWED.get(field) or _ALLOWED.get(field.rpartition(".")[2])
