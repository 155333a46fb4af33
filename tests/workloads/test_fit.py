from __future__ import annotations

import pytest

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits
from settings.stage import StageSettings
from settings.stages import DEV, PROD
from workloads.catalogue import FUNCTIONS, Function, Platform
from workloads.fit import function_needs, openwhisk_needs


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_every_stage_gives_every_function_what_it_needs(stage: StageSettings) -> None:
    assert list(function_needs(stage)) == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_too_little_memory_and_too_little_time_are_both_refused(function: Function) -> None:
    short = {
        f"{function.name}.memory_mb": function.needs.memory_mb - 1,
        f"{function.name}.timeout_s": function.needs.time_s - 1,
    }
    with pytest.raises(SettingsError) as raised:
        load_stage(short, rules=[function_needs])
    assert {violation.field for violation in raised.value.violations} == set(short)


def test_needs_and_limits_are_reported_together() -> None:
    with pytest.raises(SettingsError) as raised:
        load_stage(
            {"classify.memory_mb": 511, "classify.timeout_s": 901},
            rules=[platform_limits, function_needs],
        )
    assert len(raised.value.violations) == 2


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_every_function_for_openwhisk_fits_into_it(stage: StageSettings) -> None:
    assert list(openwhisk_needs(stage)) == []


def test_an_operator_who_allows_too_little_is_told_of_every_function_that_is_left_out() -> None:
    with pytest.raises(SettingsError) as raised:
        load_stage(
            {"openwhisk.max_memory_mb": 300, "openwhisk.max_timeout_s": 20},
            rules=[platform_limits, openwhisk_needs],
        )
    for_openwhisk = [one for one in FUNCTIONS if Platform.OPENWHISK in one.platforms]
    told = [(violation.field, violation.allowed) for violation in raised.value.violations]
    assert told == [
        found
        for one in for_openwhisk
        for found in (
            (
                "openwhisk.max_memory_mb",
                f"at least {one.needs.memory_mb} MB, what {one.name} needs",
            ),
            ("openwhisk.max_timeout_s", f"at least {one.needs.time_s} s, what {one.name} needs"),
        )
        if (one.needs.memory_mb > 300 if "memory" in found[0] else one.needs.time_s > 20)
    ]
    assert told


def test_a_function_that_openwhisk_does_not_get_is_not_held_to_its_limits() -> None:
    (jobs,) = (one for one in FUNCTIONS if Platform.OPENWHISK not in one.platforms)
    with pytest.raises(SettingsError) as raised:
        load_stage({"openwhisk.max_memory_mb": 1}, rules=[openwhisk_needs])
    assert all(jobs.name not in violation.allowed for violation in raised.value.violations)
