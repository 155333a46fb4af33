from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest


@pytest.fixture(scope="module")
def deployed(apis):
    return apis.deploy("$default", "POST /my/path", "GET /jobs/{id}")


@pytest.fixture
def api(deployed, handlers):
    handlers[deployed.function] = lambda event: "ok"
    return deployed


def test_event_has_the_documented_shape_of_payload_2(api, cloud):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""
    before = time.time()
    api.request(
        "POST",
        "/my/path?parameter1=value1&parameter1=value2&parameter2=value",
        data="Hello from Lambda",
        headers={
            "Header1": "value1",
            "Header2": "value1,value2",
            "Cookie": "cookie1=a; cookie2=b",
            "User-Agent": "agent",
            "Content-Type": "text/plain",
        },
    )
    event = api.event()
    headers = event.pop("headers")
    context = event.pop("requestContext")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /my/path",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1=a", "cookie2=b"],
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "body": "Hello from Lambda",
        "isBase64Encoded": False,
    }
    assert headers["header1"] == "value1"
    assert headers["header2"] == "value1,value2"
    assert headers["content-length"] == "17"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert "cookie" not in headers
    assert all(name == name.lower() for name in headers)
    received_at = datetime.strptime(context.pop("time"), "%d/%b/%Y:%H:%M:%S %z")
    assert before - 1 <= received_at.timestamp() <= time.time()
    assert before * 1000 - 1 <= context.pop("timeEpoch") <= time.time() * 1000
    assert context.pop("requestId")
    assert received_at.tzinfo == UTC
    host = cloud.context.endpoint.removeprefix("http://")
    assert context == {
        "accountId": "123456789012",
        "apiId": api.api_id,
        "domainName": host,
        "domainPrefix": api.api_id,
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "agent",
        },
        "routeKey": "POST /my/path",
        "stage": "$default",
    }


def test_event_leaves_out_what_a_request_has_not(api):
    api.request("GET", "/else")
    event = api.event()
    absent = ("cookies", "queryStringParameters", "pathParameters", "stageVariables", "body")
    assert not set(absent) & set(event)
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False
    assert "authorizer" not in event["requestContext"]


def test_event_has_decoded_parameters_and_the_raw_query_as_sent(api):
    api.request("GET", "/jobs/a%20b?q=caf%C3%A9&empty=&plus=1+2")
    event = api.event()
    assert event["pathParameters"] == {"id": "a b"}
    assert event["rawPath"] == "/jobs/a b"
    assert event["queryStringParameters"] == {"q": "café", "empty": "", "plus": "1 2"}
    assert event["rawQueryString"] == "q=caf%C3%A9&empty=&plus=1+2"


@pytest.mark.parametrize(
    ("content_type", "body", "as_text"),
    [
        ("application/json", b'{"a": 1}', True),
        ("application/json; charset=utf-8", "é".encode(), True),
        ("text/csv", b"a,b", True),
        ("application/xml", b"<a/>", True),
        (None, b"plain", True),
        ("image/png", b"\x89PNG\r\n", False),
        ("application/octet-stream", b"text all the same", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("text/plain", b"\xff\xfe", False),
    ],
)
def test_body_is_text_or_base64_by_its_type(api, content_type, body, as_text):
    headers = {"Content-Type": content_type} if content_type else {}
    api.request("POST", "/my/path", data=body, headers=headers)
    event = api.event()
    assert event["isBase64Encoded"] is not as_text
    sent = event["body"].encode() if as_text else base64.b64decode(event["body"])
    assert sent == body


def test_event_has_the_stage_variables(apis, handlers):
    api = apis.deploy("GET /jobs", StageVariables={"colour": "green"})
    handlers[api.function] = lambda event: "ok"
    api.request("GET", "/jobs")
    assert api.event()["stageVariables"] == {"colour": "green"}


def test_proxies_before_the_api_stay_in_the_forwarded_header(api):
    api.request("GET", "/jobs/1", headers={"X-Forwarded-For": "192.0.2.7"})
    assert api.event()["headers"]["x-forwarded-for"] == "192.0.2.7, 127.0.0.1"
