"""What is done to which job, and when: a pure function of the campaign's seed and the job's number.

Moments are counted in the job's own requests ("the second read of shard 3"), never in seconds, so
that a repeated run disturbs the same work. Durations (how long a limit stays lowered) are seconds.
It decides nothing about how a fault is done (faults/) or what is right afterwards (judge.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of fault, in the words of the table."""

    KILL = "environment killed"
    HANG = "environment hangs past its timeout"
    MEMORY = "memory past the limit"
    MEMORY_REFUSED = "memory refused by the system"
    RESERVED = "429: reserved concurrency lowered"
    ACCOUNT = "429: account limit reached"
    S3_ERROR = "S3 answers 500 or 503"
    SLOW_READ = "S3 read slow"
    CUT_READ = "S3 read cut short"
    DROPPED = "connection dropped"
    OUTAGE = "front unreachable for a moment"
    STALL = "Runtime API stalled"
    DUPLICATE = "shard invoked twice at once"
    CLIENT = "client killed and restarted"
    DISK = "cloud's disk full"


class Operation(StrEnum):
    """A request that belongs to one job, as the front of the cloud sees it."""

    SUBMIT = "client submits"
    STATUS = "client asks for the status"
    PLAN_WRITE = "plan writes a list"
    LIST_READ = "a map reads its list"
    SHARD_READ = "classify reads a shard"
    SHARD_WRITE = "classify writes a shard"
    MAP_WRITE = "a map writes its record"
    GROUP_READ = "reduce reads a shard's result"
    GROUP_WRITE = "reduce writes a part"
    REPORT_WRITE = "reduce writes the report"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: strike at `times` requests of a kind, from the `occurrence`-th on.

    `shard` narrows reads and writes of shards to one. `after` strikes when the request was carried
    out and only its answer is lost. `seconds` is how long a state is held, `status` an HTTP status.
    """

    number: int
    kind: Kind
    operation: Operation
    shard: int | None = None
    occurrence: int = 1
    times: int = 1
    after: bool = False
    seconds: float = 0.0
    status: int = 503


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """One job: `images` of the shipped ones from `first` on (round and round), and its faults.

    `by_process` jobs are submitted by `python -m hpc run` in a process of its own.
    """

    number: int
    first: int
    images: int
    shard_size: int
    by_process: bool
    faults: tuple[Fault, ...]

    @property
    def shards(self) -> int:
        """How many shards the job has."""
        return -(-self.images // self.shard_size)


# Needs an input of its own, or many shards at once: each gets every twentieth job to itself.
SPECIAL_EVERY = 20
_SPECIAL = {1: Kind.MEMORY, 2: Kind.ACCOUNT}
_IN_TURN = tuple(kind for kind in Kind if kind not in _SPECIAL.values())
_IN_TURN_EACH = 3
_CHEAP = (
    Kind.KILL,
    Kind.S3_ERROR,
    Kind.DROPPED,
    Kind.CUT_READ,
    Kind.SLOW_READ,
    Kind.STALL,
    Kind.DUPLICATE,
)
_CHEAP_EACH = 5
# Jobs from the first on among which every kind occurs: two special ones, the others in turn.
EVERY_KIND_JOBS = len(_SPECIAL) + -(-len(_IN_TURN) // _IN_TURN_EACH)

# How many regular jobs have one fault that no retry outlasts. Most of these strike late, so that
# the job's other faults come first.
_ENDING_SHARE = 0.35
# Two retries after a lost environment; obstore asks six times in all. A shard or group that failed
# is recorded and tried once more, with the same retries; so the half of this would be made good.
_OUTLASTS_LOST_ENVIRONMENT = 6
_OUTLASTS_STORE = 16

_ANYWHERE_IN_S3 = (
    *(Operation.SHARD_READ, Operation.SHARD_WRITE) * 3,
    Operation.PLAN_WRITE,
    Operation.GROUP_READ,
    Operation.GROUP_WRITE,
    Operation.REPORT_WRITE,
)
_WRITES = (
    *(Operation.SHARD_WRITE,) * 3,
    Operation.PLAN_WRITE,
    Operation.GROUP_WRITE,
    Operation.REPORT_WRITE,
)
_LATE = (
    Operation.SHARD_READ,
    Operation.SHARD_WRITE,
    Operation.GROUP_WRITE,
    Operation.REPORT_WRITE,
)
# Step Functions asks once: its own reads and writes end the map.
_OF_THE_MAP = (Operation.MAP_WRITE, Operation.MAP_WRITE, Operation.LIST_READ)


def job_plan(seed: int, number: int) -> JobPlan:
    """Plan job `number` of the campaign `seed`; the same for the same two numbers, always."""
    draw = random.Random(f"{seed}/{number}")  # noqa: S311  a schedule, not a secret
    first = number * 13 % 3000
    special = _SPECIAL.get(number % SPECIAL_EVERY)
    if special is Kind.MEMORY:
        # One shard of 47 MB, in a function of 128 MB.
        whole = _of(0, special, Operation.SHARD_READ, 0, times=_OUTLASTS_LOST_ENVIRONMENT)
        return JobPlan(
            number=number,
            first=first,
            images=60_000,
            shard_size=60_000,
            by_process=False,
            faults=(whole,),
        )
    if special is Kind.ACCOUNT:
        shards, shard_size, images = 140, 4, 560
        faults = [_of(0, special, Operation.LIST_READ, 0, after=True, seconds=1.5)]
        kinds = []
    else:
        shards = draw.randint(5, 14)
        shard_size = draw.randint(20, 50)
        images = shards * shard_size - draw.randint(0, shard_size - 1)
        turn = _regular_jobs_before(number) * _IN_TURN_EACH
        kinds = [_IN_TURN[(turn + place) % len(_IN_TURN)] for place in range(_IN_TURN_EACH)]
        faults = []
    kinds += draw.choices(_CHEAP, k=_CHEAP_EACH)
    for kind in kinds:
        faults.append(_fault(draw, len(faults), kind, shards))
    if special is None and draw.random() < _ENDING_SHARE:
        faults.append(_ending(draw, len(faults), shards))
    return JobPlan(
        number=number,
        first=first,
        images=images,
        shard_size=shard_size,
        by_process=Kind.CLIENT in kinds,
        faults=tuple(faults),
    )


def _regular_jobs_before(number: int) -> int:
    rounds, place = divmod(number, SPECIAL_EVERY)
    return number - rounds * len(_SPECIAL) - sum(special < place for special in _SPECIAL)


def _fault(draw: random.Random, number: int, kind: Kind, shards: int) -> Fault:
    """A fault that retries outlast, unless several meet at one shard."""
    shard = draw.randrange(shards)
    few = draw.randint(1, 2)
    after = draw.random() < 0.5
    read = Operation.SHARD_READ
    match kind:
        case Kind.KILL:
            operation = draw.choice((read, *_WRITES))
            return _of(number, kind, operation, shard, times=few, after=after)
        case Kind.HANG:
            operation = draw.choice((read, Operation.SHARD_WRITE))
            return _of(number, kind, operation, shard)
        case Kind.MEMORY_REFUSED:
            # An exception of the handler is not retried: the last shard, after the other faults.
            return _of(number, kind, read, shards - 1)
        case Kind.S3_ERROR:
            operation = draw.choice(_ANYWHERE_IN_S3)
            status = draw.choice((500, 503))
            return _of(number, kind, operation, shard, times=few + 1, status=status)
        case Kind.SLOW_READ:
            return _of(number, kind, read, shard, times=few, seconds=draw.choice((0.5, 1.0)))
        case Kind.CUT_READ:
            operation = draw.choice((read, Operation.GROUP_READ))
            return _of(number, kind, operation, shard, times=few)
        case Kind.DROPPED:
            operation = draw.choice((*_ANYWHERE_IN_S3, Operation.SUBMIT, Operation.STATUS))
            return _of(number, kind, operation, shard, times=few, after=after)
        case Kind.STALL:
            return _of(number, kind, Operation.SHARD_WRITE, shard, times=few, seconds=0.5)
        case Kind.DUPLICATE:
            return _of(number, kind, read, shard, times=few)
        case Kind.CLIENT:
            operation = draw.choice((*(Operation.SUBMIT,) * 2, Operation.STATUS, read))
            return _of(number, kind, operation, shard, after=after)
        case Kind.RESERVED:
            return _of(number, kind, read, shard, seconds=1.5)
        case Kind.OUTAGE:
            return _of(number, kind, read, shard, seconds=0.4)
        case Kind.DISK:
            return _of(number, kind, read, shard, seconds=1.0)
        case _:
            raise ValueError(f"{kind}: needs a job of its own")


def _ending(draw: random.Random, number: int, shards: int) -> Fault:
    """A fault that goes on until the job has failed."""
    last = shards - 1
    status = draw.choice((500, 503))
    match draw.choice((Kind.KILL, Kind.KILL, Kind.HANG, Kind.S3_ERROR, Kind.S3_ERROR, None)):
        case Kind.S3_ERROR:
            operation = draw.choice(_LATE)
            times = _OUTLASTS_STORE
            return _of(number, Kind.S3_ERROR, operation, last, times=times, status=status)
        case None:
            return _of(number, Kind.S3_ERROR, draw.choice(_OF_THE_MAP), last, status=status)
        case Kind.HANG:
            times = _OUTLASTS_LOST_ENVIRONMENT
            return _of(number, Kind.HANG, Operation.SHARD_READ, last, times=times)
        case kind:
            times = _OUTLASTS_LOST_ENVIRONMENT
            return _of(number, kind, draw.choice(_LATE), last, times=times)


_OF_ONE_SHARD = (Operation.SHARD_READ, Operation.SHARD_WRITE, Operation.GROUP_READ)


def _of(
    number: int,
    kind: Kind,
    operation: Operation,
    shard: int,
    *,
    times: int = 1,
    after: bool = False,
    seconds: float = 0.0,
    status: int = 503,
) -> Fault:
    return Fault(
        number=number,
        kind=kind,
        operation=operation,
        shard=shard if operation in _OF_ONE_SHARD else None,
        times=times,
        after=after,
        seconds=seconds,
        status=status,
    )
