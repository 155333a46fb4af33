"""Where templates come from and what their parameters and conditions do to a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest


def parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value, **properties},
    }


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


# SSM refuses names that begin with "aws": only the service can know, so it fails while deploying.
REFUSED = parameter("x", Name="aws-refused")


def values(cloud: CloudUnderTest) -> dict[str, str]:
    ssm = cloud.client("ssm")
    names = [item["Name"] for item in ssm.describe_parameters()["Parameters"]]
    return {n: ssm.get_parameter(Name=n)["Parameter"]["Value"] for n in names}


def test_template_can_come_from_s3(cloud: CloudUnderTest) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="a b.json", Body=json.dumps(template(P=parameter("1"))))

    for number, address in enumerate(
        (f"{cloud.context.endpoint}/templates", "https://templates.s3.us-east-1.amazonaws.com")
    ):
        cloud.cloudformation.create_stack(
            StackName=f"s{number}", TemplateURL=f"{address}/a%20b.json"
        )
        assert cloud.finish(f"s{number}")["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.com/t.json", "must be a supported URL"),
        ("{endpoint}/templates/absent.json", "The specified key does not exist"),
        ("{endpoint}/templates/", "must be a supported URL"),
    ],
)
def test_unreachable_template_is_refused(cloud: CloudUnderTest, url: str, reason: str) -> None:
    cloud.client("s3").create_bucket(Bucket="templates")
    error = cloud.refusal(
        cloud.cloudformation.create_stack,
        StackName="one",
        TemplateURL=url.format(endpoint=cloud.context.endpoint),
    )
    assert reason in error["Message"]
    assert cloud.service.live_stacks() == []


def test_ssm_parameter_feeds_the_template(cloud: CloudUnderTest) -> None:
    cloud.client("ssm").put_parameter(Name="/in", Value="33", Type="String")
    given = {
        "Parameters": {"In": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/in"}},
        **template(P=parameter({"Ref": "In"}, Name="out")),
    }
    stack = cloud.create("one", given)
    assert stack["Parameters"] == [
        {"ParameterKey": "In", "ParameterValue": "/in", "ResolvedValue": "33"}
    ]

    cloud.client("ssm").put_parameter(Name="/in", Value="34", Type="String", Overwrite=True)
    cloud.update("one", given, Parameters=[{"ParameterKey": "In", "UsePreviousValue": True}])

    assert values(cloud)["out"] == "34"


def test_missing_ssm_parameter_is_refused(cloud: CloudUnderTest) -> None:
    error = cloud.refusal(
        cloud.cloudformation.create_stack,
        StackName="one",
        TemplateBody=json.dumps(
            {
                "Parameters": {
                    "In": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/absent"}
                },
                **template(P=parameter({"Ref": "In"})),
            }
        ),
    )
    assert "Unable to fetch parameters [/absent]" in error["Message"]


def test_condition_decides_which_resources_there_are(cloud: CloudUnderTest) -> None:
    given = {
        "Parameters": {"Stage": {"Type": "String"}},
        "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        **template(
            P=parameter({"Fn::If": ["Prod", "big", "small"]}, Name="size"),
            Extra={**parameter("1", Name="extra"), "Condition": "Prod"},
        ),
        "Outputs": {"Extra": {"Condition": "Prod", "Value": {"Ref": "Extra"}}},
    }

    def stage(value: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Stage", "ParameterValue": value}]

    assert cloud.create("one", given, Parameters=stage("dev"))["Outputs"] == []
    assert values(cloud) == {"size": "small"}

    cloud.update("one", given, Parameters=stage("prod"))
    assert values(cloud) == {"size": "big", "extra": "1"}

    cloud.update("one", given, Parameters=stage("dev"))
    assert values(cloud) == {"size": "small"}
