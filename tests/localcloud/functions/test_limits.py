"""Limits of a cloud: what is allowed, and the options that set them."""

from __future__ import annotations

import os
from typing import Any

import click
import pytest
from click.testing import CliRunner

from localcloud.cloud import Cloud
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.limit_options import chosen_limits, limit_options


def test_limits_of_a_new_account_are_awss() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
    """
    limits = ServiceLimits()
    assert (limits.account_concurrency, limits.scaling_burst, limits.init_s) == (1000, 1000, 10)
    assert limits.width >= 2


@pytest.mark.parametrize("name", ["account_concurrency", "scaling_burst", "width"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "4", None])
def test_count_that_is_no_whole_positive_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: {value!r}; allowed: a whole number of at"):
        ServiceLimits(**{name: value})


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), True, "4"])
def test_time_that_is_no_length_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"init_s: .*; allowed: .*; idle_s: .*; allowed: "):
        ServiceLimits(init_s=value, idle_s=value)
    with pytest.raises(ValueError, match="init_s"):
        ServiceLimits(init_s=0)
    assert ServiceLimits(idle_s=0).idle_s == 0


@click.command()
@limit_options
def command(**options: float | None) -> None:
    click.echo(str(chosen_limits(options)))


def run(*arguments: str, **variables: str) -> tuple[int, str]:
    ended = CliRunner().invoke(command, arguments, env=variables)
    return ended.exit_code, ended.output


def test_options_and_variables_set_limits_and_the_option_wins() -> None:
    code, said = run("--width", "3", "--idle-s", "0.5", LOCALCLOUD_WIDTH="7", LOCALCLOUD_INIT_S="2")
    assert code == 0
    assert said == ("account_concurrency=1000, scaling_burst=1000, init_s=2, width=3, idle_s=0.5\n")


def test_every_bad_option_is_named_at_once() -> None:
    code, said = run("--account-concurrency", "0", "--width", "-1")
    assert code == 2
    assert "account_concurrency: 0; allowed: a whole number of at least 1" in said
    assert "width: -1; allowed: a whole number of at least 1" in said


def test_help_names_every_limit_and_its_variable() -> None:
    code, said = run("--help")
    assert code == 0
    for name in vars(ServiceLimits()):
        assert f"--{name.replace('_', '-')} " in said
        assert f"LOCALCLOUD_{name.upper()}" in said


def test_cloud_has_the_limits_it_is_given_or_a_service_of_its_own() -> None:
    with Cloud(limits=ServiceLimits(width=3)) as cloud:
        assert cloud.functions.limits == ServiceLimits(width=3)
    with pytest.raises(ValueError, match="limits, make_functions: allowed: one of the two"):
        Cloud(limits=ServiceLimits(), make_functions=FunctionService)


def test_width_is_as_wide_as_the_machine() -> None:
    assert ServiceLimits().width == max(2, os.cpu_count() or 1)
