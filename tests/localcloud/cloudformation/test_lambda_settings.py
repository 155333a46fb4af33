"""Settings of functions and aliases: changed, taken away, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.functions import output, template
from tests.localcloud.cloudformation.resources import own_tags


def test_every_setting_can_be_changed_and_taken_away(cloud: CloudUnderTest) -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "logs"}}
    settings = {
        "Architectures": ["arm64"],
        "DeadLetterConfig": {"TargetArn": "arn:aws:sns:us-east-1:123456789012:dead"},
        "Description": "about",
        "EphemeralStorage": {"Size": "1024"},
        "LoggingConfig": {"LogGroup": {"Ref": "Logs"}, "LogFormat": "JSON"},
        "MemorySize": "256",
        "ReservedConcurrentExecutions": 5,
        "Tags": [{"Key": "a", "Value": "1"}],
        "Timeout": 30,
        "TracingConfig": {"Mode": "Active"},
    }
    client = cloud.client("lambda")
    name = output(cloud.create("one", template("1", Logs=group)), "Name")
    plain = client.get_function(FunctionName=name)

    cloud.update("one", template("2", Logs=group, function=settings))
    full = client.get_function(FunctionName=name)
    cloud.update("one", template("3", Logs=group))
    again = client.get_function(FunctionName=name)

    configuration = full["Configuration"]
    assert configuration["Architectures"] == ["arm64"]
    assert configuration["DeadLetterConfig"] == settings["DeadLetterConfig"]
    assert configuration["Description"] == "about"
    assert configuration["EphemeralStorage"] == {"Size": 1024}
    assert configuration["LoggingConfig"] == {"LogGroup": "logs", "LogFormat": "JSON"}
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 30)
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert full["Concurrency"]["ReservedConcurrentExecutions"] == 5
    assert own_tags(full["Tags"]) == {"a": "1"}
    changing = {"LastModified", "CodeSha256", "CodeSize", "Environment"}
    assert {k: v for k, v in again["Configuration"].items() if k not in changing} == {
        k: v for k, v in plain["Configuration"].items() if k not in changing
    }
    assert "Concurrency" not in again
    assert own_tags(again["Tags"]) == {}


def test_image_function_keeps_its_image_settings(cloud: CloudUnderTest) -> None:
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="repo")

    def image(tag: str, command: str) -> dict[str, Any]:
        ecr.put_image(
            repositoryName="repo",
            imageManifest=json.dumps({"tag": tag}),
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageTag=tag,
        )
        return {
            "Code": {"ImageUri": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/repo:{tag}"},
            "Handler": {"Ref": "AWS::NoValue"},
            "ImageConfig": {"Command": [command]},
            "PackageType": "Image",
            "Runtime": {"Ref": "AWS::NoValue"},
        }

    name = output(cloud.create("one", template("1", function=image("aa", "one.handler"))), "Name")
    cloud.update("one", template("2", function=image("bb", "two.handler")))

    found = cloud.client("lambda").get_function(FunctionName=name, Qualifier="live")
    assert found["Code"]["ImageUri"].endswith("/repo:bb")
    config = found["Configuration"]["ImageConfigResponse"]["ImageConfig"]
    assert config["Command"] == ["two.handler"]


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/repo:absent", "does not exist"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/nowhere:a", "does not exist"),
        ("docker.io/library/python:3.13", "an image in ECR is needed"),
    ],
)
def test_missing_image_fails_the_function(cloud: CloudUnderTest, uri: str, reason: str) -> None:
    cloud.client("ecr").create_repository(repositoryName="repo")
    image = {"Code": {"ImageUri": uri}, "PackageType": "Image"}

    stack = cloud.create("one", template("1", function=image))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(reason in text for text in cloud.reasons("one"))


def test_provisioned_concurrency_follows_the_alias(
    cloud: CloudUnderTest, provisioned: list[tuple[str, str, int]]
) -> None:
    def with_count(count: int) -> dict[str, Any]:
        return {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": count}}

    name = output(cloud.create("one", template("1", alias=with_count(2))), "Name")
    client = cloud.client("lambda")
    config = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    assert (config["RequestedProvisionedConcurrentExecutions"], config["Status"]) == (2, "READY")
    (listed,) = client.list_provisioned_concurrency_configs(FunctionName=name)[
        "ProvisionedConcurrencyConfigs"
    ]
    assert listed["FunctionArn"].endswith(f"{name}:live")

    cloud.update("one", template("2", alias=with_count(3)))
    cloud.update("one", template("3"))
    assert provisioned == [(name, "live", 2), (name, "live", 3), (name, "live", 0)]
    error = cloud.refusal(
        client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="live"
    )
    assert error["Code"] == "ProvisionedConcurrencyConfigNotFoundException"

    cloud.update("one", template("4", alias=with_count(1)))
    cloud.delete("one")
    assert provisioned[-1] == (name, "live", 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}, "InvalidParameterValue"),
        ({"Qualifier": "other", "ProvisionedConcurrentExecutions": 1}, "ResourceNotFound"),
    ],
)
def test_provisioned_concurrency_of_nothing_is_refused(
    cloud: CloudUnderTest, arguments: dict[str, Any], code: str
) -> None:
    name = output(cloud.create("one", template("1")), "Name")
    put = cloud.client("lambda").put_provisioned_concurrency_config
    assert cloud.refusal(put, FunctionName=name, **arguments)["Code"] == f"{code}Exception"


def test_permission_is_on_the_alias_and_survives_a_new_version(cloud: CloudUnderTest) -> None:
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Live"},
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": "arn:aws:execute-api:us-east-1:123456789012:x/*/*/classify",
        },
    }
    name = output(cloud.create("one", template("1", Allow=permission)), "Name")
    cloud.update("one", template("2", Allow=permission))
    client = cloud.client("lambda")

    (statement,) = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert statement["Resource"].endswith(f":function:{name}:live")
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}

    cloud.update("one", template("3"))
    error = cloud.refusal(client.get_policy, FunctionName=name)
    assert error["Code"] == "ResourceNotFoundException"


def test_event_invoke_config_is_replaced_not_appended(cloud: CloudUnderTest) -> None:
    def config(attempts: int) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": "Live",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "MaximumRetryAttempts": attempts,
                "Qualifier": "live",
            },
        }

    name = output(cloud.create("one", template("1", Async=config(2))), "Name")
    cloud.update("one", template("2", Async=config(0)))
    client = cloud.client("lambda")
    found = client.get_function_event_invoke_config(FunctionName=name, Qualifier="live")
    assert found["MaximumRetryAttempts"] == 0

    cloud.update("one", template("3"))
    cloud.refusal(client.get_function_event_invoke_config, FunctionName=name, Qualifier="live")


def test_alias_can_share_traffic(cloud: CloudUnderTest) -> None:
    weights: dict[str, Any] = {"RoutingConfig": {"AdditionalVersionWeights": []}}
    cloud.create("one", template("1", alias=weights))
    name = cloud.physical_id("one", "Function")
    shared = {
        "RoutingConfig": {
            "AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.25}]
        }
    }
    second = template("2", alias=shared)
    second["Resources"]["Version1"] = template("1")["Resources"]["Version1"]
    cloud.update("one", second)
    alias = cloud.client("lambda").get_alias(FunctionName=name, Name="live")
    assert alias["FunctionVersion"] == "2"
    assert alias["RoutingConfig"]["AdditionalVersionWeights"] == {"1": 0.25}


def test_inline_source_needs_a_scripting_runtime(cloud: CloudUnderTest) -> None:
    cloud.create("one", template("1", function={"Runtime": "java21"}))
    assert any("ZipFile can only be used" in reason for reason in cloud.reasons("one"))
