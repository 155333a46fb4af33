"""How a job is cut: items into shards, shards into groups.

The ranges are explicit, so that every item lies in exactly one shard by construction and coverage
can be checked from the results alone. Two levels keep every list small: no step reads more than one
list of shards or one group's results, whatever the number of items.
"""

from __future__ import annotations

from shpc_core.errors import InvalidInput
from shpc_core.limits import MAX_SHARD_SIZE, MAX_SHARDS, SHARDS_PER_GROUP
from shpc_core.messages import Group, Shard


def partition(items: int, shard_size: int) -> list[Shard]:
    """Items `0..items-1` in order, `shard_size` to a shard, the rest in the last one.

    A `shard_size` beyond `items` gives one shard. `InvalidInput` for sizes that are not 1 to
    `MAX_SHARD_SIZE`, for more than `MAX_SHARDS` shards, with the size that would do, and for more
    items than that many shards of any size hold.
    """
    for field, value, most in (
        ("images", items, MAX_SHARDS * MAX_SHARD_SIZE),
        ("shard_size", shard_size, MAX_SHARD_SIZE),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise InvalidInput(field, f"is {value!r}", f"a whole number, 1 to {most}")
    count = -(-items // shard_size)
    if count > MAX_SHARDS:
        raise InvalidInput(
            "shard_size",
            f"{shard_size} cuts {items} images into {count} shards, more than {MAX_SHARDS}",
            f"at least {-(-items // MAX_SHARDS)} for this input",
        )
    return [
        Shard(shard=number, start=number * shard_size, stop=min(items, (number + 1) * shard_size))
        for number in range(count)
    ]


def grouped(shards: list[Shard]) -> list[Group]:
    """Consecutive shards, `SHARDS_PER_GROUP` to a group, the rest in the last one."""
    groups = []
    for number, first in enumerate(range(0, len(shards), SHARDS_PER_GROUP)):
        members = shards[first : first + SHARDS_PER_GROUP]
        groups.append(
            Group(
                group=number,
                first_shard=members[0].shard,
                last_shard=members[-1].shard,
                start=members[0].start,
                stop=members[-1].stop,
            )
        )
    return groups
