"""An HTTP API that answers only requests signed by an IAM principal.

It decides what holds for every route: IAM authorisation, throttling, an access log in JSON, no
CORS. There is no method that opens a route to the public.
"""

from __future__ import annotations

import json

import jsii
from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_logs import ILogGroup
from constructs import Construct

from settings.stage import ApiSettings
from stacks.components.log_keeping import LogKeeping
from workloads.catalogue import Function

# Who asked for what, what the answer was, and where the time went.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_LOGGED = {
    "request_id": "requestId",
    "requested_at": "requestTimeEpoch",
    "source_ip": "identity.sourceIp",
    "principal": "identity.userArn",
    "route": "routeKey",
    "status": "status",
    "error": "error.message",
    "integration_error": "integrationErrorMessage",
    "latency_ms": "responseLatency",
    "integration_latency_ms": "integrationLatency",
    "response_bytes": "responseLength",
}


@jsii.implements(apigatewayv2.IAccessLogSettings)
class _JsonAccessLog:
    """One JSON object for each request; CDK declares these settings as an interface."""

    def __init__(self, group: ILogGroup) -> None:
        self._group = group

    @property
    def destination(self) -> apigatewayv2.IAccessLogDestination:
        return apigatewayv2.LogGroupLogDestination(self._group)

    @property
    def format(self) -> apigateway.AccessLogFormat:
        line = {name: f"$context.{variable}" for name, variable in _LOGGED.items()}
        return apigateway.AccessLogFormat.custom(json.dumps(line))


class SignedHttpApi(Construct):
    """One API with its `$default` stage, `stage`; `endpoint` is its address."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: ApiSettings, logs: LogKeeping
    ) -> None:
        """Create the API without any route; `serve` adds those of a function."""
        super().__init__(scope, construct_id)
        self._api = apigatewayv2.HttpApi(
            self,
            "Default",
            api_name=Stack.of(self).stack_name,
            create_default_stage=False,
            default_authorizer=HttpIamAuthorizer(),
        )
        self.stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self._api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=settings.rate_per_s, burst_limit=settings.burst
            ),
            access_log_settings=_JsonAccessLog(logs.group(self, "AccessLogs")),
        )

    def serve(self, declared: Function, live: lambda_.Alias) -> None:
        """Route what `declared` says it answers to its alias."""
        integration = HttpLambdaIntegration(f"{declared.name.title()}Integration", live)
        for route in declared.routes:
            self._api.add_routes(
                path=route.path,
                methods=[apigatewayv2.HttpMethod(route.method)],
                integration=integration,
            )

    @property
    def endpoint(self) -> str:
        """Address as the service itself reports it; it is never composed from a domain name."""
        return self._api.api_endpoint
