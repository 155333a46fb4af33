"""Which idle environments end; the rest of the pool is tested with real processes."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest

from localcloud.functions.environment import Environment
from localcloud.functions.invocation import Invocation
from localcloud.functions.pool import ON_DEMAND, PROVISIONED, Pool


class Environments:
    """Makes environments without a process and remembers them."""

    def __init__(self) -> None:
        self.made: list[Environment] = []
        self.types: list[str] = []

    def __call__(self, initialization_type: str) -> Environment:
        environment: Environment = create_autospec(
            Environment, instance=True, usable=True, running=True, idle_since=0.0
        )
        self.made.append(environment)
        self.types.append(initialization_type)
        return environment


def pool_of(environments: Environments, provisioned: int) -> Pool:
    pool = Pool(environments, width=4, before_start=lambda: None)
    pool.provision(provisioned)
    return pool


def test_provisioned_environments_stay_when_idle() -> None:
    environments = Environments()
    pool = pool_of(environments, 2)
    pool.end_idle(0.0)
    assert set(pool.environments()) == set(environments.made)
    assert environments.types == [PROVISIONED, PROVISIONED]


def test_capacity_that_falls_ends_idle_environments_at_once_oldest_first() -> None:
    environments = Environments()
    pool = pool_of(environments, 3)
    pool.provision(1)
    assert pool.environments() == environments.made[2:]


def test_environment_that_runs_when_capacity_falls_ends_after_its_invocation() -> None:
    environments = Environments()
    pool = pool_of(environments, 1)
    (environment,) = environments.made
    environment.invoke.side_effect = lambda _: pool.provision(0)  # type: ignore[attr-defined]
    pool.invoke(Invocation("request", "arn", b"{}"))
    assert pool.environments() == []
    environment.end.assert_called_once_with()  # type: ignore[attr-defined]


def test_environment_on_demand_ends_when_it_was_unused_for_long_enough() -> None:
    environments = Environments()
    pool = pool_of(environments, 0)
    pool.invoke(Invocation("request", "arn", b"{}"))
    pool.end_idle(60.0)
    assert pool.environments() == environments.made
    pool.end_idle(0.0)
    assert pool.environments() == []


def test_environments_on_demand_make_room_for_provisioned_ones() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""
    environments = Environments()
    pool = pool_of(environments, 0)
    pool.invoke(Invocation("request", "arn", b"{}"))
    pool.provision(3)
    assert environments.types == [ON_DEMAND] + [PROVISIONED] * 3
    assert len(pool.environments()) == 4
    pool.provision(4)
    assert set(pool.environments()) == set(environments.made[1:])


def test_provisioned_environments_are_used_before_others() -> None:
    environments = Environments()
    pool = pool_of(environments, 0)
    pool.invoke(Invocation("request", "arn", b"{}"))
    # It is idle again after the one that is provisioned meanwhile.
    environments.made[0].invoke.side_effect = lambda _: pool.provision(1)  # type: ignore[attr-defined]
    pool.invoke(Invocation("request", "arn", b"{}"))
    pool.invoke(Invocation("request", "arn", b"{}"))
    calls = [one.invoke.call_count for one in environments.made]  # type: ignore[attr-defined]
    assert calls == [2, 1]


def test_dead_environment_is_dropped_and_provisioned_again() -> None:
    environments = Environments()
    pool = pool_of(environments, 1)
    environments.made[0].running = False  # type: ignore[misc]
    pool.end_idle(60.0)
    pool.provision(1)
    assert len(environments.made) == 2
    assert pool.environments() == environments.made[1:]


def test_environment_whose_invocation_went_astray_is_not_used_again() -> None:
    environments = Environments()
    pool = pool_of(environments, 1)
    (environment,) = environments.made
    environment.invoke.side_effect = ZeroDivisionError  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        pool.invoke(Invocation("request", "arn", b"{}"))
    assert pool.environments() == []
    environment.end.assert_called_once_with()  # type: ignore[attr-defined]


def test_provisioning_is_bounded_by_the_width() -> None:
    environments = Environments()
    pool_of(environments, 100)
    assert len(environments.made) == 4
