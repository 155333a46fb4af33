"""What became of a shard that failed: the record that the workflow wrote, and what a report says.

A record is history and no verdict: whoever reads one has to look whether the result exists by now.
Step Functions writes it (stacks/components/recorded_invocation.py), so fields that it may add are
no error here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shpc_core import keys
from shpc_core.messages import Group, JobId, Message, Shard

if TYPE_CHECKING:
    from shpc_core.store import Objects


class Failure(msgspec.Struct, frozen=True, rename="pascal"):
    """What Step Functions tells a Catch; a time-out may have no cause."""

    error: str
    cause: str | None = None


class FailureRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One failure of one shard or group, as it lies under `jobs/<id>/failures/`."""

    job_id: JobId
    step: str
    failure: Failure
    recorded_at: str
    execution: str
    shard: Shard | None = None
    group: Group | None = None

    def __post_init__(self) -> None:
        _ = self.lost

    @property
    def lost(self) -> Shard | Group:
        """What failed, with its range of items."""
        found = [one for one in (self.shard, self.group) if one is not None]
        if len(found) != 1:
            raise ValueError("a record is of one shard or of one group")
        return found[0]


class MissingShard(Message, frozen=True, kw_only=True):
    """A shard without a result, items `start..stop-1`, and the error that its record names."""

    shard: int
    start: int
    stop: int
    error: str


def decode(data: bytes) -> FailureRecord:
    """The record in `data`; msgspec.DecodeError for anything else."""
    return msgspec.json.decode(data, type=FailureRecord)


def missing_shard(results: Objects, job_id: str, shard: int) -> MissingShard | str:
    """What the record of `shard` says, or why there is none that would explain its absence."""
    key = keys.shard_failure(job_id, shard)
    try:
        record = decode(results.get(key))
    except FileNotFoundError:
        return f"no failure is recorded ({key})"
    except (msgspec.DecodeError, ValueError) as error:
        return f"the record of its failure cannot be read ({key}): {error}"
    if record.shard is None or (record.job_id, record.shard.shard) != (job_id, shard):
        return f"the record of its failure is one of another shard or job ({key})"
    return MissingShard(
        shard=shard,
        start=record.shard.start,
        stop=record.shard.stop,
        error=record.failure.error,
    )
