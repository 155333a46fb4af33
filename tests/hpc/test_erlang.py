"""Erlang's loss formula, against tables, closed forms and what must hold everywhere."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpc.erlang import blocking, blockings, offered_load, servers_for, servers_worth

LOADS = st.floats(min_value=1e-6, max_value=500)
SHARES = st.floats(min_value=1e-4, max_value=0.5)


def by_definition(load: float, servers: int) -> float:
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    return terms[-1] / math.fsum(terms)


@pytest.mark.parametrize(
    ("load", "servers", "share"),
    [
        # Rows of the printed tables: the load that so many lines carry at a loss of 1 % or 0.1 %.
        (0.0101, 1, 0.01),
        (4.461, 10, 0.01),
        (12.03, 20, 0.01),
        (84.06, 100, 0.01),
        (3.092, 10, 0.001),
        (9.411, 20, 0.001),
    ],
)
def test_known_rows_of_the_tables(load: float, servers: int, share: float) -> None:
    assert blocking(load, servers) == pytest.approx(share, rel=2e-3)


def test_closed_forms() -> None:
    assert blocking(2, 0) == 1
    assert blocking(2, 1) == pytest.approx(2 / 3)
    assert blocking(1, 2) == pytest.approx(1 / 5)
    assert blocking(3, 5) == pytest.approx(0.1100543478)


@given(st.floats(min_value=0.01, max_value=50), st.integers(min_value=0, max_value=60))
def test_recursion_is_the_definition(load: float, servers: int) -> None:
    assert blocking(load, servers) == pytest.approx(by_definition(load, servers), rel=1e-9)


@given(LOADS)
def test_every_further_server_turns_fewer_away(load: float) -> None:
    shares = list(itertools.islice(blockings(load), 50))
    assert shares[0] == 1
    assert all(0 <= later < earlier for earlier, later in itertools.pairwise(shares) if earlier)


@given(LOADS, SHARES)
def test_servers_for_is_the_least_number_that_will_do(load: float, share: float) -> None:
    found = servers_for(load, share=share)
    assert found >= 1
    assert blocking(load, found) <= share < blocking(load, found - 1)


@given(LOADS, LOADS, SHARES)
def test_more_load_never_takes_fewer_servers(one: float, other: float, share: float) -> None:
    less, more = sorted((one, other))
    assert servers_for(less, share=share) <= servers_for(more, share=share)


@given(LOADS, st.floats(min_value=0.05, max_value=0.95))
def test_servers_worth_it_are_all_used_enough_and_the_next_is_not(
    load: float, utilisation: float
) -> None:
    found = servers_worth(load, utilisation=utilisation)

    def carried_by(number: int) -> float:
        return load * (blocking(load, number - 1) - blocking(load, number))

    assert found == 0 or carried_by(found) >= utilisation
    assert carried_by(found + 1) < utilisation


def test_load_is_rate_times_time() -> None:
    assert offered_load(40, 0.25) == 10


@pytest.mark.parametrize("load", [0, -1, math.nan])
def test_no_load_is_refused(load: float) -> None:
    with pytest.raises(ValueError, match=r"load: .*; allowed: more than 0"):
        blocking(load, 1)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.1, math.nan])
def test_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="allowed: more than 0 and less than 1"):
        servers_for(1, share=share)
    with pytest.raises(ValueError, match="allowed: more than 0 and less than 1"):
        servers_worth(1, utilisation=share)


def test_number_of_servers_is_not_negative() -> None:
    with pytest.raises(ValueError, match="servers: -1"):
        blocking(1, -1)
