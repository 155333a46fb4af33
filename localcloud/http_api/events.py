"""The event a function receives from an HTTP API: payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import datetime
import uuid
from typing import TYPE_CHECKING, Any

from localcloud.http_api.request import ApiRequest
from localcloud.http_api.routes import DeployedStage, MatchedRoute
from localcloud.http_api.signatures import Caller

if TYPE_CHECKING:
    from localcloud.context import CloudContext

_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")


def event_of(
    request: ApiRequest,
    stage: DeployedStage,
    route: MatchedRoute,
    caller: Caller | None,
    context: CloudContext,
) -> dict[str, Any]:
    """The event; fields that a request has no value for are left out, as on AWS."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": stage.path,
        "rawQueryString": request.query,
        "headers": _headers(request, context),
        "requestContext": _request_context(request, stage, route, caller, context),
        "isBase64Encoded": False,
    }
    cookies = request.header("cookie")
    if cookies is not None:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if request.query:
        event["queryStringParameters"] = request.query_parameters()
    if route.path_parameters:
        event["pathParameters"] = route.path_parameters
    if stage.stage.stage_variables:
        event["stageVariables"] = dict(stage.stage.stage_variables)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request)
    return event


def _headers(request: ApiRequest, context: CloudContext) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name not in ("cookie", "connection", "transfer-encoding"):
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    trace_id = f"Root=1-{int(request.received_at_s):08x}-{uuid.uuid4().hex[:24]}"
    joined.setdefault("x-amzn-trace-id", trace_id)
    forwarded = joined.get("x-forwarded-for")
    joined["x-forwarded-for"] = (
        f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    )
    joined["x-forwarded-port"] = context.endpoint.rpartition(":")[2]
    joined["x-forwarded-proto"] = "http"
    joined.setdefault("content-length", str(len(request.body)))
    return joined


def _request_context(
    request: ApiRequest,
    stage: DeployedStage,
    route: MatchedRoute,
    caller: Caller | None,
    context: CloudContext,
) -> dict[str, Any]:
    received_at = datetime.datetime.fromtimestamp(request.received_at_s, datetime.UTC)
    told: dict[str, Any] = {
        "accountId": context.account,
        "apiId": stage.api_id,
        "domainName": request.host,
        "domainPrefix": stage.api_id,
        "http": {
            "method": request.method,
            "path": stage.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": request.request_id,
        "routeKey": route.key,
        "stage": stage.name,
        "time": received_at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(request.received_at_s * 1000),
    }
    if caller is not None:
        told["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key_id,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.user_arn,
                "userId": caller.user_id,
            }
        }
    return told


def _body(request: ApiRequest) -> tuple[str, bool]:
    """Text as it is, the rest in base64: by content type, and whatever is not UTF-8."""
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if not media_type or media_type.startswith("text/") or media_type in _TEXT_TYPES:
        try:
            return request.body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode("ascii"), True
