"""What nobody uses costs by the hour, after AWS's pages of prices; what nobody knows is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.idle import Idle, idle
from tests.review.made_up import assembly


def cost(folder: Path, *resources: dict[str, Any]) -> Idle:
    named = {f"R{number}": resource for number, resource in enumerate(resources)}
    return idle(assembly(folder, {"App": named}))


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


@pytest.mark.parametrize(
    ("kind", "properties", "usd"),
    [
        ("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Period": 60}, 0.10),
        (
            "AWS::CloudWatch::Alarm",
            {"Metrics": [{"MetricStat": {"Period": 60}}] * 3 + [{"Expression": "a/b"}]},
            0.30,
        ),
        ("AWS::CloudWatch::CompositeAlarm", {}, 0.50),
        ("AWS::CloudWatch::Dashboard", {}, 3.0),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}, 1.0),
        ("AWS::Budgets::Budget", {}, 0.0),
        ("AWS::EC2::NatGateway", {}, 0.045 * 730),
        ("AWS::EC2::EIP", {}, 0.005 * 730),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}, 0.0),
        (
            "AWS::EC2::VPCEndpoint",
            {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]},
            2 * 0.01 * 730,
        ),
        (
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {"PolicyType": "TargetTrackingScaling"},
            0.20,
        ),
        ("AWS::Batch::ComputeEnvironment", {"ComputeResources": {"MinvCpus": 0}}, 0.0),
        ("AWS::IAM::Role", {}, 0.0),
        ("AWS::StepFunctions::StateMachine", {}, 0.0),
    ],
    ids=lambda value: str(value).removeprefix("AWS::")[:40],
)
def test_resource_costs_what_its_page_lists(
    tmp_path: Path, kind: str, properties: dict[str, Any], usd: float
) -> None:
    found = cost(tmp_path, resource(kind, **properties))
    assert found.usd == pytest.approx(usd)
    assert found.unknown == {}


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::EC2::Instance", {}),
        ("AWS::Made::Up", {}),
        ("Custom::Anything", {}),
        ("AWS::Batch::ComputeEnvironment", {"ComputeResources": {"MinvCpus": 4}}),
        ("AWS::CloudWatch::Alarm", {"MetricName": "Errors", "Period": 10}),
        ("AWS::ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "StepScaling"}),
    ],
)
def test_what_is_not_known_is_said(tmp_path: Path, kind: str, properties: dict[str, Any]) -> None:
    assert cost(tmp_path, resource(kind, **properties)).unknown == {"App/R0": kind}


@pytest.mark.parametrize(
    ("architecture", "gb_s"), [("x86_64", 0.0000041667), ("arm64", 0.0000033334)]
)
def test_environments_kept_warm_are_paid_by_the_second(
    tmp_path: Path, architecture: str, gb_s: float
) -> None:
    found = cost(
        tmp_path,
        resource("AWS::Lambda::Function", Architectures=[architecture], MemorySize=2048),
        resource(
            "AWS::Lambda::Alias",
            FunctionName={"Ref": "R0"},
            ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 5},
        ),
    )
    assert found.usd == pytest.approx(5 * 2 * 730 * 3600 * gb_s)


def test_alias_without_them_costs_nothing(tmp_path: Path) -> None:
    assert cost(tmp_path, resource("AWS::Lambda::Alias")).charges == {}


def test_what_is_stored_is_paid_by_the_byte_and_listed(tmp_path: Path) -> None:
    found = cost(tmp_path, resource("AWS::S3::Bucket"), resource("AWS::Logs::LogGroup"))
    assert {name: price.usd for name, price in found.storage.items()} == {
        "App/R0": 0.023,
        "App/R1": 0.03,
    }
    assert found.usd == 0
