from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chaos.plan import EVERY_KIND_JOBS, SPECIAL_EVERY, Kind, job_plan

SEEDS = st.integers(0, 2**32)
NUMBERS = st.integers(0, 10_000)


@given(SEEDS, NUMBERS)
def test_plan_is_the_same_for_the_same_seed_and_number(seed, number) -> None:
    assert job_plan(seed, number) == job_plan(seed, number)


def test_plan_is_another_for_another_seed() -> None:
    assert [job_plan(1, number) for number in range(5)] != [
        job_plan(2, number) for number in range(5)
    ]


@given(SEEDS, NUMBERS)
def test_faults_are_about_shards_that_the_job_has(seed, number) -> None:
    plan = job_plan(seed, number)
    assert plan.faults
    assert [fault.number for fault in plan.faults] == list(range(len(plan.faults)))
    for fault in plan.faults:
        assert fault.shard is None or 0 <= fault.shard < plan.shards
        assert fault.times >= 1


@given(SEEDS, st.integers(0, 50))
def test_every_kind_is_among_the_first_jobs_of_each_round(seed, rounds) -> None:
    first = rounds * SPECIAL_EVERY
    plans = [job_plan(seed, first + number) for number in range(EVERY_KIND_JOBS)]
    assert {fault.kind for plan in plans for fault in plan.faults} == set(Kind)


@given(SEEDS, NUMBERS)
def test_client_is_a_process_where_it_is_to_be_killed(seed, number) -> None:
    plan = job_plan(seed, number)
    assert plan.by_process == any(fault.kind is Kind.CLIENT for fault in plan.faults)


def test_two_hundred_jobs_hold_over_a_thousand_faults() -> None:
    planned = [fault.times for number in range(200) for fault in job_plan(1, number).faults]
    assert sum(planned) > 2_000
