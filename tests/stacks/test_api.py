from __future__ import annotations

import json

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesized, as_text
from workloads.catalogue import FUNCTIONS


def test_every_declared_route_goes_to_the_alias_of_its_function(either: Synthesized) -> None:
    integrations = {
        name.partition("/")[2]: as_text(resource["Properties"]["IntegrationUri"])
        for name, resource in either.resources("AWS::ApiGatewayV2::Integration").items()
    }
    served = {}
    for route in either.resources("AWS::ApiGatewayV2::Route").values():
        target = as_text(route["Properties"]["Target"])
        integration = target.removeprefix("integrations/<").removesuffix(">")
        served[route["Properties"]["RouteKey"]] = integrations[integration]
    declared = {f"{route.method} {route.path}": f for f in FUNCTIONS for route in f.routes}
    assert set(served) == set(declared)
    for route_key, target in served.items():
        assert f"{declared[route_key].name.title()}Live" in target


def test_every_route_wants_a_signature(either: Synthesized) -> None:
    routes = either.resources("AWS::ApiGatewayV2::Route").values()
    assert {route["Properties"].get("AuthorizationType") for route in routes} == {"AWS_IAM"}


def test_no_other_origin_is_allowed(either: Synthesized) -> None:
    assert "CorsConfiguration" not in either.only("AWS::ApiGatewayV2::Api")["Properties"]


def test_integration_speaks_payload_format_2(either: Synthesized) -> None:
    for integration in either.resources("AWS::ApiGatewayV2::Integration").values():
        assert integration["Properties"]["IntegrationType"] == "AWS_PROXY"
        assert integration["Properties"]["PayloadFormatVersion"] == "2.0"


def test_stage_throttles_as_its_settings_say(either: Synthesized) -> None:
    api = STAGES[either.stage].api
    properties = either.only("AWS::ApiGatewayV2::Stage")["Properties"]
    assert properties["StageName"] == "$default"
    assert properties["AutoDeploy"] is True
    assert properties["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": api.rate_per_s,
        "ThrottlingBurstLimit": api.burst,
    }


def test_access_log_is_json_that_tells_who_asked_and_what_came_of_it(either: Synthesized) -> None:
    settings = either.only("AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
    line = json.loads(settings["Format"])
    assert {"$context.requestId", "$context.identity.userArn", "$context.status"} <= set(
        line.values()
    )
    group, _ = settings["DestinationArn"]["Fn::GetAtt"]
    assert f"Api/{group}" in either.resources("AWS::Logs::LogGroup")


def test_api_may_call_each_alias_on_its_own_routes_only(either: Synthesized) -> None:
    for permission in either.resources("AWS::Lambda::Permission").values():
        properties = permission["Properties"]
        assert properties["Principal"] == "apigateway.amazonaws.com"
        assert properties["Action"] == "lambda:InvokeFunction"
        assert "Live" in as_text(properties["FunctionName"])
        _, _, path = as_text(properties["SourceArn"]).partition("/*/*")
        assert path in {"/jobs", "/jobs/{id}", "/jobs/{id}/redrive", "/classify"}


def test_address_is_read_from_the_api_and_never_composed(either: Synthesized) -> None:
    for stack in either.stacks:
        assert "amazonaws.com/" not in json.dumps(either.template(stack).get("Outputs", {}))
    url = either.template("Api")["Outputs"]["ApiUrl"]["Value"]
    assert url["Fn::GetAtt"][1] == "ApiEndpoint"
