from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shpc_core import limits, shards
from shpc_core.errors import InvalidInput


@given(items=st.integers(1, 10**9), shard_size=st.integers(1, limits.MAX_SHARD_SIZE))
def test_partition_covers_every_item_exactly_once(items: int, shard_size: int) -> None:
    shard_size = max(shard_size, -(-items // limits.MAX_SHARDS))
    cut = shards.partition(items, shard_size)
    assert [one.shard for one in cut] == list(range(len(cut)))
    assert cut[0].start == 0
    assert cut[-1].stop == items
    assert all(before.stop == after.start for before, after in itertools.pairwise(cut))
    assert all(one.stop - one.start == shard_size for one in cut[:-1])
    assert 0 < cut[-1].stop - cut[-1].start <= shard_size


@given(items=st.integers(1, 10**5), shard_size=st.integers(10, 10**5))
def test_groups_cover_every_shard_exactly_once(items: int, shard_size: int) -> None:
    cut = shards.partition(items, shard_size)
    groups = shards.grouped(cut)
    numbers = [
        shard for group in groups for shard in range(group.first_shard, group.last_shard + 1)
    ]
    assert numbers == [one.shard for one in cut]
    assert [group.group for group in groups] == list(range(len(groups)))
    for group in groups:
        assert group.last_shard - group.first_shard < limits.SHARDS_PER_GROUP
        assert (group.start, group.stop) == (
            cut[group.first_shard].start,
            cut[group.last_shard].stop,
        )


def test_partition_larger_than_the_data_is_one_shard() -> None:
    (only,) = shards.partition(3, 100)
    assert (only.shard, only.start, only.stop) == (0, 0, 3)


def test_partition_reaches_the_limit_and_not_beyond() -> None:
    assert len(shards.partition(30_000, 3)) == limits.MAX_SHARDS
    with pytest.raises(InvalidInput, match="into 10001 shards, more than 10000"):
        shards.partition(10_001, 1)
    with pytest.raises(InvalidInput, match=r"15001 shards.*at least 4 for this input") as caught:
        shards.partition(30_001, 2)
    assert caught.value.field == "shard_size"
    assert len(shards.partition(30_001, 4)) <= limits.MAX_SHARDS


def test_partition_takes_a_billion_items() -> None:
    assert len(shards.partition(10**9, 100_000)) == 10_000


@pytest.mark.parametrize("shard_size", [0, -5, 2.0, "100", None, True, 100_001, 10**400])
def test_partition_refuses_sizes_that_are_none(shard_size: Any) -> None:
    with pytest.raises(InvalidInput, match=r"shard_size: is .*1 to 100000"):
        shards.partition(10, shard_size)


@pytest.mark.parametrize("items", [0, -1, 10**9 + 1])
def test_partition_refuses_no_items(items: int) -> None:
    with pytest.raises(InvalidInput, match="images: is"):
        shards.partition(items, 1)
