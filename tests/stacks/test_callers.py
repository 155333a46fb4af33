"""Whoever calls a function calls its alias, and whatever runs it fits it."""

from __future__ import annotations

import json
import re

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesized, as_list, as_text
from workloads.catalogue import FUNCTIONS

ALIAS = "AWS::Lambda::Alias"
_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
# Graviton families have a g after their generation:
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
_GRAVITON = re.compile(r"^[a-z]+\d+g")
_IMAGE = re.compile(r"[0-9a-f]{64}$")


def kind_of(stage: Synthesized, name: str, node: object) -> str:
    target = stage.names.target(name.partition("/")[0], node)
    assert target is not None, f"{name}: {node}"
    return stage.resources()[target]["Type"]


def test_every_permission_to_call_is_one_to_call_an_alias(every: Synthesized) -> None:
    for name, permission in every.resources("AWS::Lambda::Permission").items():
        assert kind_of(every, name, permission["Properties"]["FunctionName"]) == ALIAS, name


def test_every_route_s_integration_calls_an_alias(every: Synthesized) -> None:
    for name, integration in every.resources("AWS::ApiGatewayV2::Integration").items():
        assert kind_of(every, name, integration["Properties"]["IntegrationUri"]) == ALIAS, name


def test_every_role_that_may_call_may_call_aliases(every: Synthesized) -> None:
    called = 0
    for name, statement in every.role_statements():
        if any(action.startswith("lambda:Invoke") for action in as_list(statement["Action"])):
            for resource in as_list(statement["Resource"]):
                assert kind_of(every, name, resource) == ALIAS, name
                called += 1
    assert called


def test_state_machine_calls_aliases(every: Synthesized) -> None:
    (name,) = every.resources("AWS::StepFunctions::StateMachine")
    pieces = every.only("AWS::StepFunctions::StateMachine")["Properties"]["DefinitionString"]
    referred = [
        target
        for piece in pieces["Fn::Join"][1]
        if (target := every.names.target(name.partition("/")[0], piece)) is not None
    ]
    kinds = {every.resources()[target]["Type"] for target in referred}
    assert ALIAS in kinds
    assert "AWS::Lambda::Function" not in kinds
    assert "AWS::Lambda::Version" not in kinds


def test_what_scales_is_an_alias(every: Synthesized) -> None:
    """`function:<name>:<alias>`; with a version's number, the next deployment scales the old one.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    for name, target in every.resources("AWS::ApplicationAutoScaling::ScalableTarget").items():
        resource_id = as_text(target["Properties"]["ResourceId"])
        assert resource_id.startswith("function:"), name
        assert resource_id.endswith(":live"), name


def test_every_function_runs_where_its_image_was_built_for(every: Synthesized) -> None:
    images = every.images()
    found = 0
    for name, function in every.resources("AWS::Lambda::Function").items():
        properties = function["Properties"]
        if properties.get("PackageType") != "Image":
            continue
        (architecture,) = properties["Architectures"]
        image = _IMAGE.search(json.dumps(properties["Code"]).rstrip('"} '))
        assert image is not None, name
        assert images[image[0]]["platform"] == _PLATFORMS[architecture], name
        found += 1
    assert found == len(FUNCTIONS)


def test_machines_of_the_baseline_run_its_image(every: Synthesized) -> None:
    images = every.images()
    for definition in every.resources("AWS::Batch::JobDefinition").values():
        container = definition["Properties"]["ContainerProperties"]
        image = _IMAGE.search(as_text_or_sub(container["Image"]))
        assert image is not None
        for machines in every.resources("AWS::Batch::ComputeEnvironment").values():
            for kind in machines["Properties"]["ComputeResources"]["InstanceTypes"]:
                graviton = bool(_GRAVITON.match(kind))
                expected = "linux/arm64" if graviton else "linux/amd64"
                assert images[image[0]]["platform"] == expected, kind


def test_every_function_has_the_share_that_its_stage_says(every: Synthesized) -> None:
    settings = STAGES[every.stage].functions
    by_purpose = {declared.purpose: declared.name for declared in FUNCTIONS}
    found = {}
    for function in every.resources("AWS::Lambda::Function").values():
        properties = function["Properties"]
        # The function that empties buckets describes itself by a reference.
        name = by_purpose.get(str(properties.get("Description")))
        if name is not None:
            found[name] = properties.get("ReservedConcurrentExecutions")
    assert found == {name: one.reserved_concurrency for name, one in settings.items()}


def as_text_or_sub(node: object) -> str:
    return str(node["Fn::Sub"]) if isinstance(node, dict) and "Fn::Sub" in node else as_text(node)
