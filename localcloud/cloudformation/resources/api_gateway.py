"""HTTP APIs of API Gateway: API, stage, integration, route, deployment-free (auto-deployed).

Only the HTTP protocol and auto-deployed stages are modelled: moto has no deployments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    MapOf,
    Schema,
)
from localcloud.cloudformation.resources.tagging import update_tags

_CORS: Schema = {
    "AllowCredentials": BOOLEAN,
    "AllowHeaders": [TEXT],
    "AllowMethods": [TEXT],
    "AllowOrigins": [TEXT],
    "ExposeHeaders": [TEXT],
    "MaxAge": INTEGER,
}


class Api(ResourceHandler):
    """AWS::ApiGatewayV2::Api; its endpoint is this cloud's address of it."""

    type_name = "AWS::ApiGatewayV2::Api"
    schema: ClassVar[Mapping[str, Schema]] = {
        "CorsConfiguration": _CORS,
        "Description": TEXT,
        "Name*": TEXT,
        "ProtocolType*": TEXT,
        "Tags": MapOf(TEXT),
        "Version": TEXT,
    }
    replace_on = frozenset({"ProtocolType"})
    attributes = frozenset({"ApiEndpoint", "ApiId"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        if properties["ProtocolType"] != "HTTP":
            raise ResourceFailure(
                f"property ProtocolType {properties['ProtocolType']!r} is not modelled; "
                "allowed: HTTP"
            )
        api_id = self.context.client("apigatewayv2").create_api(
            **chosen(
                properties, "CorsConfiguration", "Description", "Name", "ProtocolType", "Version"
            ),
            Tags=properties.get("Tags", {}),
        )["ApiId"]
        endpoint = self.context.http_api_url(api_id)
        return Provisioned(api_id, {"ApiEndpoint": endpoint, "ApiId": api_id})

    def _arn(self, api_id: str) -> str:
        return f"arn:aws:apigateway:{self.context.region}::/apis/{api_id}"

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("apigatewayv2")
        api_id = task.physical_id
        client.update_api(
            ApiId=api_id,
            Name=task.new["Name"],
            Description=task.new.get("Description", ""),
            Version=task.new.get("Version", ""),
            **chosen(task.new, "CorsConfiguration"),
        )
        if task.touches("CorsConfiguration") and "CorsConfiguration" not in task.new:
            client.delete_cors_configuration(ApiId=api_id)
        arn = self._arn(api_id)
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(ResourceArn=arn, Tags=tags),
            untag=lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFoundException"):
            self.context.client("apigatewayv2").delete_api(ApiId=task.physical_id)


_ROUTE_SETTINGS: Schema = {
    "DetailedMetricsEnabled": BOOLEAN,
    "ThrottlingBurstLimit": INTEGER,
    "ThrottlingRateLimit": NUMBER,
}


class Stage(ResourceHandler):
    """AWS::ApiGatewayV2::Stage, auto-deployed."""

    type_name = "AWS::ApiGatewayV2::Stage"
    schema: ClassVar[Mapping[str, Schema]] = {
        "AccessLogSettings": {"DestinationArn": TEXT, "Format": TEXT},
        "ApiId*": TEXT,
        "AutoDeploy*": BOOLEAN,
        "DefaultRouteSettings": _ROUTE_SETTINGS,
        "Description": TEXT,
        "RouteSettings": MapOf(_ROUTE_SETTINGS),
        "StageName*": TEXT,
        "StageVariables": MapOf(TEXT),
        "Tags": MapOf(TEXT),
    }
    replace_on = frozenset({"ApiId", "StageName"})
    name_property = "StageName"

    def create(self, task: Creation) -> Provisioned:
        where = chosen(task.properties, "ApiId", "StageName")
        try:
            self.context.client("apigatewayv2").get_stage(**where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
        else:
            raise ResourceFailure(f"Stage {where['StageName']} already exists")
        self._make(task.properties)
        return Provisioned(where["StageName"])

    def _make(self, properties: Mapping[str, Any]) -> None:
        if not properties["AutoDeploy"]:
            raise ResourceFailure("property AutoDeploy false is not modelled; allowed: true")
        self.context.client("apigatewayv2").create_stage(**properties)

    def update(self, task: Update) -> Provisioned:
        # moto has no UpdateStage; a stage has no identity but its name.
        self.context.client("apigatewayv2").delete_stage(
            ApiId=task.new["ApiId"], StageName=task.physical_id
        )
        self._make(task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFoundException"):
            self.context.client("apigatewayv2").delete_stage(
                ApiId=task.properties["ApiId"], StageName=task.physical_id
            )


# What each property of an integration means when it is taken away: the API keeps what an update
# does not mention.
_INTEGRATION_DEFAULTS: Mapping[str, Any] = {
    "CredentialsArn": "",
    "Description": "",
    "IntegrationMethod": "POST",
    "RequestParameters": {},
    "TimeoutInMillis": 30_000,
}


class Integration(ResourceHandler):
    """AWS::ApiGatewayV2::Integration."""

    type_name = "AWS::ApiGatewayV2::Integration"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ApiId*": TEXT,
        "CredentialsArn": TEXT,
        "Description": TEXT,
        "IntegrationMethod": TEXT,
        "IntegrationType*": TEXT,
        "IntegrationUri*": TEXT,
        "PayloadFormatVersion*": TEXT,
        "RequestParameters": MapOf(TEXT),
        "TimeoutInMillis": INTEGER,
    }
    replace_on = frozenset({"ApiId"})
    attributes = frozenset({"IntegrationId"})

    def create(self, task: Creation) -> Provisioned:
        made = self.context.client("apigatewayv2").create_integration(**task.properties)
        return Provisioned(made["IntegrationId"], {"IntegrationId": made["IntegrationId"]})

    def update(self, task: Update) -> Provisioned:
        removed = {
            name: default for name, default in _INTEGRATION_DEFAULTS.items() if task.touches(name)
        }
        self.context.client("apigatewayv2").update_integration(
            IntegrationId=task.physical_id, **{**removed, **task.new}
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFoundException"):
            self.context.client("apigatewayv2").delete_integration(
                ApiId=task.properties["ApiId"], IntegrationId=task.physical_id
            )


class Route(ResourceHandler):
    """AWS::ApiGatewayV2::Route, open or with IAM authorization."""

    type_name = "AWS::ApiGatewayV2::Route"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ApiId*": TEXT,
        "AuthorizationType": TEXT,
        "OperationName": TEXT,
        "RouteKey*": TEXT,
        "Target*": TEXT,
    }
    replace_on = frozenset({"ApiId"})
    attributes = frozenset({"RouteId"})

    def create(self, task: Creation) -> Provisioned:
        properties = _authorized(task.properties)
        client = self.context.client("apigatewayv2")
        routes = client.get_routes(ApiId=properties["ApiId"])["Items"]
        if any(route["RouteKey"] == properties["RouteKey"] for route in routes):
            raise ResourceFailure(
                f"Route with key {properties['RouteKey']} already exists for this API"
            )
        made = client.create_route(**properties)
        return Provisioned(made["RouteId"], {"RouteId": made["RouteId"]})

    def update(self, task: Update) -> Provisioned:
        self.context.client("apigatewayv2").update_route(
            RouteId=task.physical_id,
            **{"OperationName": "", **_authorized(task.new)},
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFoundException"):
            self.context.client("apigatewayv2").delete_route(
                ApiId=task.properties["ApiId"], RouteId=task.physical_id
            )


def _authorized(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with the authorization spelled out. Refuses authorizers by name."""
    kind = properties.get("AuthorizationType", "NONE")
    if kind not in ("AWS_IAM", "NONE"):
        raise ResourceFailure(
            f"property AuthorizationType {kind!r} is not modelled; allowed: AWS_IAM, NONE"
        )
    return {**properties, "AuthorizationType": kind}


HANDLERS = (Api, Integration, Route, Stage)
