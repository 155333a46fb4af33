from __future__ import annotations

from typing import Any

import pytest

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesize, Synthesized, as_text
from workloads.catalogue import FUNCTIONS

HOMES = {
    "plan": "Functions",
    "classify": "Functions",
    "reduce": "Functions",
    "predict": "Functions",
    "jobs": "Api",
}


def function(stage: Synthesized, name: str) -> dict[str, Any]:
    prefix = f"{HOMES[name]}/{name.title()}Function"
    (found,) = (
        resource
        for key, resource in stage.resources("AWS::Lambda::Function").items()
        if key.startswith(prefix)
    )
    return found["Properties"]


def image_hash(properties: dict[str, Any]) -> str:
    return properties["Code"]["ImageUri"]["Fn::Sub"].rpartition(":")[2]


def test_every_function_of_the_catalogue_is_deployed_once(either: Synthesized) -> None:
    deployed = [
        resource
        for resource in either.resources("AWS::Lambda::Function").values()
        if resource["Properties"].get("PackageType") == "Image"
    ]
    assert len(deployed) == len(FUNCTIONS)
    for declared in FUNCTIONS:
        assert function(either, declared.name)["Description"] == declared.purpose


@pytest.mark.parametrize("name", HOMES)
def test_function_gets_what_its_stage_says(either: Synthesized, name: str) -> None:
    settings = STAGES[either.stage].functions[name]
    properties = function(either, name)
    assert properties["MemorySize"] == settings.memory_mb
    assert properties["Timeout"] == settings.timeout_s
    assert properties["ReservedConcurrentExecutions"] == settings.reserved_concurrency


def test_function_without_a_share_reserves_nothing(synthesize: Synthesize) -> None:
    stage = synthesize("dev", **{"classify.reserved_concurrency": "none"})
    assert "ReservedConcurrentExecutions" not in function(stage, "classify")


@pytest.mark.parametrize("declared", FUNCTIONS, ids=lambda declared: declared.name)
def test_function_gets_the_environment_it_declares(either: Synthesized, declared: Any) -> None:
    variables = function(either, declared.name).get("Environment", {}).get("Variables", {})
    assert set(variables) == set(declared.handler_environment)


def test_each_bucket_is_known_by_the_right_name(either: Synthesized) -> None:
    variables = function(either, "classify")["Environment"]["Variables"]
    assert "InputBucket" in as_text(variables["INPUT_BUCKET"])
    assert "ResultsBucket" in as_text(variables["RESULTS_BUCKET"])


def test_no_two_functions_share_a_role(either: Synthesized) -> None:
    roles = [
        as_text(resource["Properties"]["Role"]) + name.partition("/")[0]
        for name, resource in either.resources("AWS::Lambda::Function").items()
    ]
    assert len(roles) == len(set(roles))


def test_function_logs_json_to_its_declared_group(either: Synthesized) -> None:
    for name in HOMES:
        logging = function(either, name)["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        assert f"{HOMES[name]}/{logging['LogGroup']['Ref']}" in either.resources(
            "AWS::Logs::LogGroup"
        )


def test_tracing_is_on_in_prod_alone(dev: Synthesized, prod: Synthesized) -> None:
    for name in HOMES:
        assert "TracingConfig" not in function(dev, name)
        assert function(prod, name)["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize(
    ("architecture", "platform"), [("x86_64", "linux/amd64"), ("arm64", "linux/arm64")]
)
def test_image_is_built_for_the_architecture_it_runs_on(
    synthesize: Synthesize, architecture: str, platform: str
) -> None:
    stage = synthesize("dev", architecture=architecture)
    images = stage.images()
    for name in HOMES:
        properties = function(stage, name)
        assert properties["Architectures"] == [architecture]
        image = images[image_hash(properties)]
        assert image["platform"] == platform
        assert image["dockerFile"] == f"{name}/Dockerfile"


def test_every_function_has_the_alias_live_on_its_current_version(either: Synthesized) -> None:
    aliases = either.resources("AWS::Lambda::Alias")
    versions = either.resources("AWS::Lambda::Version")
    assert len(aliases) == len(FUNCTIONS)
    for name, alias in aliases.items():
        assert alias["Properties"]["Name"] == "live"
        version, attribute = alias["Properties"]["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version"
        published = versions[f"{name.partition('/')[0]}/{version}"]
        assert published["Properties"]["FunctionName"] == alias["Properties"]["FunctionName"]


def test_dev_keeps_no_environment_warm(dev: Synthesized) -> None:
    for alias in dev.resources("AWS::Lambda::Alias").values():
        assert "ProvisionedConcurrencyConfig" not in alias["Properties"]
    assert not dev.resources("AWS::ApplicationAutoScaling::ScalableTarget")
