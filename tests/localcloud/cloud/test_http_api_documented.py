"""What AWS documents of HTTP APIs beside routes, events and CORS: limits, methods, variables."""

from __future__ import annotations

import http.client
import json
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from localcloud.functions.errors import (
    SYNC_PAYLOAD_LIMIT_BYTES,
    InvalidRuntimeError,
    ServiceFailureError,
    TooManyRequestsError,
)
from localcloud.http_api.request import ApiRequest, HeadTooLargeError
from localcloud.http_api.routes import DeployedStage, UnmodelledApiError

INTERNAL_ERROR = (500, {"message": "Internal Server Error"})
UNAVAILABLE = (503, {"message": "Service Unavailable"})


def told(answer):
    return answer.status_code, answer.json()


def raw_request(api, method, path, headers=()):
    """Each header as it is, so that one can come twice."""
    at = urlsplit(api.url)
    connection = http.client.HTTPConnection(at.netloc, timeout=10)
    connection.putrequest(method, at.path + path)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return SimpleNamespace(status=answer.status, headers=answer.headers, body=body)


@pytest.mark.parametrize("part", ["header", "query"])
def test_request_line_and_header_values_of_10240_bytes_are_read_and_one_more_is_not(part):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

    def read(size_bytes):
        filler = "x" * (size_bytes - len("GET /? HTTP/1.1"))
        environ = {
            "REQUEST_METHOD": "GET",
            "RAW_URI": f"/?{filler if part == 'query' else ''}",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": SimpleNamespace(read=lambda size: b""),
            **({"HTTP_X_FILLER": filler} if part == "header" else {}),
        }
        return ApiRequest.read(environ, "/")

    assert read(10_240).method == "GET"
    with pytest.raises(HeadTooLargeError):
        read(10_241)


def test_head_that_is_too_large_is_431(apis, handlers):
    api = apis.deploy("GET /jobs")
    handlers[api.function] = lambda event: "ok"
    fits = api.request("GET", "/jobs", headers={"X-Filler": "x" * 9_000})
    assert fits.status_code == 200
    too_large = api.request("GET", "/jobs", headers={"X-Filler": "x" * 10_240})
    assert told(too_large) == (431, {"message": "Request Header Fields Too Large"})


def test_image_fits_up_to_the_byte_where_its_event_exceeds_lambdas_payload(apis, handlers):
    """6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    An image travels in base64, which leaves some 4.5 MB of it:
    https://aws.amazon.com/blogs/compute/handling-binary-data-using-amazon-api-gateway-http-apis/
    """
    api = apis.deploy("POST /classify")
    handlers[api.function] = lambda event: "ok"

    def send(size_bytes):
        headers = {"Content-Type": "image/png"}
        answer = api.request("POST", "/classify", data=bytes(size_bytes), headers=headers)
        return answer.status_code, answer.text

    assert send(4_400_000) == (200, "ok")
    event = {**api.event(), "body": ""}
    rest = len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    largest = (SYNC_PAYLOAD_LIMIT_BYTES - rest) // 4 * 3
    assert 4_700_000 < largest < 4_720_000
    assert send(largest) == (200, "ok")
    assert send(largest + 1) == (413, '{"message":"Request Entity Too Large"}')


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (TooManyRequestsError("any"), UNAVAILABLE),
        (InvalidRuntimeError("any"), INTERNAL_ERROR),
        (ServiceFailureError("any"), INTERNAL_ERROR),
    ],
)
def test_call_that_lambda_refuses_is_an_error_of_the_server(apis, handlers, failure, answer):
    """https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html"""

    def refuses(event):
        raise failure

    api = apis.deploy("GET /jobs")
    handlers[api.function] = refuses
    assert told(api.request("GET", "/jobs")) == answer


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "DELETE", "PUT"])
def test_any_route_takes_every_method(apis, handlers, method):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"""
    api = apis.deploy("ANY /jobs")
    handlers[api.function] = lambda event: {"statusCode": 200, "body": "four"}
    answer = api.request(method, "/jobs")
    assert api.event()["requestContext"]["http"]["method"] == method
    assert (answer.status_code, answer.headers["content-length"]) == (200, "4")
    assert answer.content == (b"" if method == "HEAD" else b"four")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_route_of_another_method_does_not_answer_head_or_options(apis, handlers, method):
    api = apis.deploy("GET /jobs")
    handlers[api.function] = lambda event: "ok"
    assert api.request(method, "/jobs").status_code == 404


def test_headers_and_query_parameters_that_come_twice_are_joined_by_commas(apis, handlers):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""
    api = apis.deploy("GET /jobs")
    handlers[api.function] = lambda event: "ok"
    twice = [("X-Shard", "1"), ("X-Shard", "2"), ("Cookie", "a=1; b=2")]
    assert raw_request(api, "GET", "/jobs?n=1&m=3&n=2&n=", twice).status == 200
    event = api.event()
    assert event["headers"]["x-shard"] == "1,2"
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["queryStringParameters"] == {"n": "1,2,", "m": "3"}
    assert event["rawQueryString"] == "n=1&m=3&n=2&n="


def test_raw_path_is_decoded_and_the_raw_query_is_not(apis, handlers):
    """AWS documents neither; as captured there:

    https://github.com/fastify/aws-lambda-fastify/issues/169
    https://github.com/middleapi/standard-server/pull/93
    """
    api = apis.deploy("$default")
    handlers[api.function] = lambda event: "ok"
    raw_request(api, "GET", "/a%2Fb%20c?q=%2F")
    event = api.event()
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/a/b c"
    assert event["rawQueryString"] == "q=%2F"


def deployed_stage(timeout_ms=None, stage_settings=None, route_settings=None):
    """A stage with one route, as moto holds them."""
    integration = SimpleNamespace(
        integration_type="AWS_PROXY",
        payload_format_version="2.0",
        integration_uri="arn:aws:lambda:us-east-1:123456789012:function:any",
        timeout_in_millis=timeout_ms,
    )
    route = SimpleNamespace(
        route_key="GET /jobs", authorization_type=None, target="integrations/one"
    )
    api = SimpleNamespace(api_id="any", routes={"1": route}, integrations={"one": integration})
    stage = SimpleNamespace(
        name="$default",
        default_route_settings=stage_settings,
        route_settings=route_settings,
    )
    return DeployedStage(api, stage, "/jobs", "/jobs")


def test_integration_has_30_seconds_and_can_have_less_but_not_more():
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""
    assert deployed_stage().match("GET").timeout_ms == 30_000
    assert deployed_stage(50).match("GET").timeout_ms == 50
    with pytest.raises(UnmodelledApiError, match="TimeoutInMillis 30001; allowed: at most 30000"):
        deployed_stage(30_001).match("GET")


@pytest.mark.parametrize(
    ("stage", "route", "limits"),
    [
        (None, None, (10_000, 5_000)),
        ({"throttlingRateLimit": 20.0}, None, (20, 5_000)),
        ({"throttlingRateLimit": 20.0, "throttlingBurstLimit": 7}, None, (20, 7)),
        ({"throttlingRateLimit": 20.0}, {"throttlingBurstLimit": 0}, (20, 0)),
        (None, {"throttlingRateLimit": 0.0}, (0, 5_000)),
    ],
)
def test_throttling_is_the_routes_the_stages_or_the_accounts(stage, route, limits):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html"""
    settings = {"GET /jobs": route} if route else None
    assert deployed_stage(None, stage, settings).throttling("GET /jobs") == limits


VARIABLES = (
    "status",
    "error.message",
    "error.messageString",
    "integrationErrorMessage",
    "integration.error",
    "integrationStatus",
    "integration.integrationStatus",
    "integration.status",
    "dataProcessed",
    "responseLength",
)


@pytest.fixture
def lines(cloud):
    logs = cloud.context.client("logs")
    logs.create_log_group(logGroupName="variables")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="variables")["logGroups"]

    def found():
        events = logs.filter_log_events(logGroupName="variables")["events"]
        return [dict(zip(VARIABLES, event["message"].split("|"), strict=True)) for event in events]

    log_format = "|".join(f"$context.{name}" for name in VARIABLES)
    yield SimpleNamespace(
        settings={"DestinationArn": group["arn"], "Format": log_format}, found=found
    )
    logs.delete_log_group(logGroupName="variables")


def test_access_log_tells_the_gateways_error_from_the_integrations(
    apis, handlers, function_error, lines
):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html"""

    def answers(event):
        path = event["rawPath"]
        if path == "/fails":
            raise function_error({"errorType": "ValueError", "errorMessage": "secret"})
        if path == "/throttled":
            raise TooManyRequestsError("any")
        return {"statusCode": 404, "body": "none"} if path == "/fine" else {"statusCode": "odd"}

    api = apis.deploy("POST /{any}", AccessLogSettings=lines.settings)
    handlers[api.function] = answers
    for path in ("/fine", "/fails", "/throttled", "/malformed", "/no/route"):
        api.request("POST", path, data=b"12")
    fine, fails, throttled, malformed, absent = lines.found()
    none = dict.fromkeys(VARIABLES, "-")
    assert fine == none | {
        "status": "404",
        "integrationStatus": "200",
        "integration.integrationStatus": "200",
        "integration.status": "404",
        "dataProcessed": "6",
        "responseLength": "4",
    }
    internal = {
        "status": "500",
        "error.message": "Internal Server Error",
        "error.messageString": '"Internal Server Error"',
        "integrationStatus": "200",
        "integration.integrationStatus": "200",
        "integration.status": "-",
        "dataProcessed": "37",
        "responseLength": "35",
    }
    in_function = "the function failed"
    assert fails == internal | {
        "integrationErrorMessage": in_function,
        "integration.error": in_function,
    }
    assert malformed["integrationErrorMessage"] == "statusCode 'odd' is no HTTP status"
    assert throttled["integrationErrorMessage"] == "Rate Exceeded."
    assert (throttled["status"], throttled["integrationStatus"]) == ("503", "429")
    assert absent == none | {
        "status": "404",
        "error.message": "Not Found",
        "error.messageString": '"Not Found"',
        "dataProcessed": "25",
        "responseLength": "23",
    }
