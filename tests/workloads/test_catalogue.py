from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings.stage import StageSettings
from settings.stages import DEV, PROD
from shpc_core import keys
from workloads.catalogue import (
    CLASSIFY,
    CLASSIFY_WORKLOAD,
    FUNCTIONS,
    INPUT_PREFIX,
    JOBS_PREFIX,
    Function,
    Platform,
)

SOURCES = Path(__file__).parents[2] / "lambda_src"


def by_name(function: Function) -> str:
    return function.name


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_every_function_has_settings_in_every_stage(stage: StageSettings) -> None:
    assert {function.name for function in FUNCTIONS} == set(stage.functions)


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_every_pattern_of_an_image_finds_a_file(function: Function) -> None:
    missing = [pattern for pattern in function.files if not list(SOURCES.glob(pattern))]
    assert missing == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_image_has_every_file_that_its_dockerfile_copies(function: Function) -> None:
    found = {
        path.relative_to(SOURCES) for pattern in function.files for path in SOURCES.glob(pattern)
    }
    dockerfile = (SOURCES / function.dockerfile).read_text()
    copied = re.findall(r"^COPY (\S+) ", dockerfile, flags=re.MULTILINE)
    assert copied
    for source in map(Path, copied):
        assert any(path == source or source in path.parents for path in found), source


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_no_pattern_can_match_what_is_not_source(function: Function) -> None:
    """A pattern that ends in a bare `*` would take __pycache__ with it."""
    assert [pattern for pattern in function.files if pattern.endswith(("*", "/"))] == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_declared_environment_is_what_the_handler_reads(function: Function) -> None:
    handler = (SOURCES / function.name / "handler.py").read_text()
    # Handlers hand their environment on to what logs and counts.
    assert "Observation(os.environ)" in handler
    observation = (SOURCES / "shpc_lambda" / "observation.py").read_text()
    variable = r"""environ(?:ment)?(?:\.get\(|\[)["']([A-Z_]+)["']"""
    read = set(re.findall(variable, handler + observation))
    of_the_platform = {name for name in read if name.startswith(("AWS_", "LAMBDA_"))}
    assert read - of_the_platform == set(function.handler_environment)


def test_prefixes_are_those_of_the_core() -> None:
    assert INPUT_PREFIX == keys.INPUT_PREFIX
    assert keys.job_prefix("x") == f"{JOBS_PREFIX}x/"


def test_lists_and_records_of_a_map_lie_where_the_workflow_may_reach_them() -> None:
    assert keys.shards("x") == f"{JOBS_PREFIX}x/shards.json"
    assert keys.groups("x") == f"{JOBS_PREFIX}x/groups.json"
    assert keys.map_prefix("x") == f"{JOBS_PREFIX}x/map"


def test_workload_runs_wherever_all_its_functions_can() -> None:
    workload = CLASSIFY_WORKLOAD
    common = workload.plan.platforms & workload.work.platforms & workload.reduce.platforms
    assert common == set(Platform)
    assert workload.work is CLASSIFY


def test_routes_are_those_of_the_api() -> None:
    routes = {(route.method, route.path): f.name for f in FUNCTIONS for route in f.routes}
    assert routes == {
        ("POST", "/jobs"): "jobs",
        ("GET", "/jobs/{id}"): "jobs",
        ("POST", "/jobs/{id}/redrive"): "jobs",
        ("POST", "/classify"): "predict",
    }
