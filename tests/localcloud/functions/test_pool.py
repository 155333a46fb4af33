"""Which idle environments end; the rest of the pool is tested with real processes."""

from __future__ import annotations

import time
from unittest.mock import create_autospec

import pytest

from localcloud.functions.environment import Environment
from localcloud.functions.invocation import Invocation
from localcloud.functions.pool import PROVISIONED, Pool


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


def test_spare_environments_end_oldest_first_when_fewer_are_provisioned() -> None:
    environments = Environments()
    pool = pool_of(environments, 3)
    pool.provision(1)
    pool.end_idle(0.0)
    assert pool.environments() == environments.made[2:]


def test_environment_in_use_lately_stays() -> None:
    environments = Environments()
    pool = pool_of(environments, 1)
    pool.provision(0)
    environments.made[0].idle_since = time.monotonic()
    pool.end_idle(60.0)
    assert pool.environments() == environments.made


def test_dead_environment_is_dropped_and_provisioned_again() -> None:
    environments = Environments()
    pool = pool_of(environments, 1)
    environments.made[0].running = False  # type: ignore[misc]
    pool.end_idle(60.0)
    pool.provision(1)
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
