"""HTTP APIs: API, stage, integration and route together."""

from __future__ import annotations

from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import own_tags


def _api(throttle: int, **more: Any) -> dict[str, Any]:
    api_id = {"Ref": "Api"}
    return {
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGatewayV2::Api",
                "Properties": {"Name": "n", "ProtocolType": "HTTP", "Tags": {"a": str(throttle)}},
            },
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "AccessLogSettings": {"DestinationArn": "arn:log", "Format": "{}"},
                    "ApiId": api_id,
                    "AutoDeploy": True,
                    "DefaultRouteSettings": {
                        "ThrottlingBurstLimit": throttle,
                        "ThrottlingRateLimit": throttle / 2,
                    },
                    "StageName": "$default",
                },
            },
            "Integration": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": api_id,
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": f"arn:aws:lambda:us-east-1:123456789012:function:f{throttle}",
                    "PayloadFormatVersion": "2.0",
                },
            },
            "Route": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": api_id,
                    "RouteKey": f"POST /jobs{throttle}",
                    "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
                    **more,
                },
            },
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }


def test_http_api(cloud: CloudUnderTest) -> None:
    stack = cloud.create("one", _api(10, AuthorizationType="AWS_IAM"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", cloud.reasons("one")
    api_id = cloud.physical_id("one", "Api")
    (output,) = stack["Outputs"]
    assert output["OutputValue"] == cloud.context.http_api_url(api_id)
    client = cloud.client("apigatewayv2")
    (route,) = client.get_routes(ApiId=api_id)["Items"]
    assert route["AuthorizationType"] == "AWS_IAM"

    assert cloud.update("one", _api(20))["StackStatus"] == "UPDATE_COMPLETE"

    assert cloud.physical_id("one", "Api") == api_id
    stage = client.get_stage(ApiId=api_id, StageName="$default")
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 20
    assert stage["AutoDeploy"]
    (integration,) = client.get_integrations(ApiId=api_id)["Items"]
    assert integration["IntegrationUri"].endswith(":f20")
    (route,) = client.get_routes(ApiId=api_id)["Items"]
    assert (route["RouteKey"], route["AuthorizationType"]) == ("POST /jobs20", "NONE")
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert own_tags(client.get_api(ApiId=api_id)["Tags"]) == {"a": "20"}

    cloud.delete("one")
    assert client.get_apis()["Items"] == []


def test_failed_update_takes_added_settings_of_an_integration_away_again(
    cloud: CloudUnderTest,
) -> None:
    cloud.create("one", _api(10))
    client, api_id = cloud.client("apigatewayv2"), cloud.physical_id("one", "Api")
    (before,) = client.get_integrations(ApiId=api_id)["Items"]
    changed = _api(10)
    changed["Resources"]["Integration"]["Properties"] |= {
        "CredentialsArn": "arn:aws:iam::123456789012:role/r",
        "Description": "d",
        "IntegrationMethod": "GET",
        "RequestParameters": {"overwrite:path": "/"},
        "TimeoutInMillis": 1_000,
    }
    refused = {"Type": "String", "Value": "x", "Name": "aws-refused"}
    changed["Resources"]["Bad"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": refused,
        "DependsOn": "Integration",
    }

    assert cloud.update("one", changed)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    assert cloud.statuses("one", "Integration").count("UPDATE_COMPLETE") == 2
    (after,) = client.get_integrations(ApiId=api_id)["Items"]
    # Nothing and the empty value mean the same.
    assert {k: v for k, v in after.items() if v} == {k: v for k, v in before.items() if v}


def test_route_with_an_unmodelled_authorization_is_refused(cloud: CloudUnderTest) -> None:
    cloud.create("one", _api(10, AuthorizationType="JWT"))
    wanted = "property AuthorizationType 'JWT' is not modelled; allowed: AWS_IAM, NONE"
    assert any(wanted in reason for reason in cloud.reasons("one"))
    assert cloud.client("apigatewayv2").get_apis()["Items"] == []
