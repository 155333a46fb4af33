from __future__ import annotations

import base64
import json
import threading

import pytest

from localcloud.functions.errors import TooManyRequestsError
from localcloud.throttle import Throttle


def told(answer):
    return answer.status_code, answer.json()


def test_answer_of_the_function_arrives_whole(apis, handlers):
    api = apis.deploy("POST /classify")
    handlers[api.function] = lambda event: {
        "statusCode": 201,
        "headers": {"X-Model": "abc"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    answer = api.request("POST", "/classify")
    assert (answer.status_code, answer.content) == (201, b"\x00\xff")
    assert answer.headers["x-model"] == "abc"
    assert answer.headers["content-length"] == "2"
    assert answer.headers["apigw-requestid"] == api.event()["requestContext"]["requestId"]
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}


def test_function_error_is_500_without_its_message(apis, handlers, function_error):
    def fails(event):
        raise function_error({"errorType": "ValueError", "errorMessage": "secret"})

    api = apis.deploy("GET /jobs")
    handlers[api.function] = fails
    assert told(api.request("GET", "/jobs")) == (500, {"message": "Internal Server Error"})


def test_malformed_answer_is_500(apis, handlers):
    api = apis.deploy("GET /jobs")
    handlers[api.function] = lambda event: {"statusCode": "none"}
    assert told(api.request("GET", "/jobs")) == (500, {"message": "Internal Server Error"})


def test_throttled_function_is_503(apis, handlers):
    def throttled(event):
        raise TooManyRequestsError("ReservedFunctionConcurrentInvocationLimitExceeded")

    api = apis.deploy("GET /jobs")
    handlers[api.function] = throttled
    assert told(api.request("GET", "/jobs")) == (503, {"message": "Service Unavailable"})


def test_integration_beyond_its_timeout_is_503_while_the_function_runs_on(apis, handlers):
    release, ended = threading.Event(), threading.Event()

    def slow(event):
        release.wait(10)
        ended.set()

    api = apis.deploy("GET /jobs", timeout_ms=200)
    handlers[api.function] = slow
    assert told(api.request("GET", "/jobs")) == (503, {"message": "Service Unavailable"})
    assert not ended.is_set()
    release.set()
    assert ended.wait(10)


def test_error_of_this_cloud_is_500_with_its_cause_in_the_log(apis, handlers, caplog):
    def broken(event):
        raise KeyError("planted")

    api = apis.deploy("GET /jobs")
    handlers[api.function] = broken
    assert api.request("GET", "/jobs").status_code == 500
    assert "KeyError: 'planted'" in caplog.text


@pytest.mark.parametrize("chunked", [True, False])
def test_body_over_10_mb_is_413(apis, handlers, chunked):
    api = apis.deploy("POST /classify")
    handlers[api.function] = lambda event: "ok"
    body = bytes(10 * 1024 * 1024 + 1)
    answer = api.request("POST", "/classify", data=iter([body]) if chunked else body)
    assert told(answer) == (413, {"message": "Request Entity Too Large"})


def test_body_whose_event_is_over_6_mb_is_413(apis, handlers):
    api = apis.deploy("POST /classify")
    handlers[api.function] = lambda event: "ok"
    image = {"Content-Type": "image/png"}
    fits = api.request("POST", "/classify", data=bytes(4_400_000), headers=image)
    assert fits.status_code == 200
    too_large = api.request("POST", "/classify", data=bytes(4_800_000), headers=image)
    assert told(too_large) == (413, {"message": "Request Entity Too Large"})


def test_throttling_of_the_stage_is_429_per_route(apis, handlers):
    settings = {"ThrottlingBurstLimit": 3, "ThrottlingRateLimit": 0.001}
    api = apis.deploy("GET /jobs", "POST /jobs", DefaultRouteSettings=settings)
    handlers[api.function] = lambda event: "ok"
    statuses = [api.request("GET", "/jobs").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert told(api.request("GET", "/jobs"))[1] == {"message": "Too Many Requests"}
    assert api.request("POST", "/jobs").status_code == 200


def test_throttling_of_a_route_overrides_the_stages(apis, handlers):
    slow = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.001}
    api = apis.deploy(
        "GET /jobs",
        "POST /jobs",
        DefaultRouteSettings={"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 100},
        RouteSettings={"POST /jobs": slow},
    )
    handlers[api.function] = lambda event: "ok"
    assert [api.request("POST", "/jobs").status_code for _ in range(2)] == [200, 429]
    assert [api.request("GET", "/jobs").status_code for _ in range(5)] == [200] * 5


def test_bucket_fills_at_the_rate_up_to_the_burst():
    now = 0.0
    throttle = Throttle(clock=lambda: now)
    limits = (2.0, 3)
    assert [throttle.allows(("k",), limits) for _ in range(4)] == [True, True, True, False]
    now = 0.4
    assert not throttle.allows(("k",), limits)
    now = 0.5
    assert throttle.allows(("k",), limits)
    now = 100.0
    assert [throttle.allows(("k",), limits) for _ in range(4)] == [True, True, True, False]


def test_bucket_begins_anew_with_new_limits():
    throttle = Throttle(clock=lambda: 0.0)
    assert throttle.allows(("k",), (1.0, 1))
    assert not throttle.allows(("k",), (1.0, 1))
    assert throttle.allows(("k",), (1.0, 2))


@pytest.fixture
def log_group(cloud):
    logs = cloud.context.client("logs")
    logs.create_log_group(logGroupName="access")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="access")["logGroups"]
    yield group["arn"]
    logs.delete_log_group(logGroupName="access")


def access_lines(cloud):
    events = cloud.context.client("logs").filter_log_events(logGroupName="access")["events"]
    return [json.loads(event["message"]) for event in events]


def test_access_log_has_a_line_per_request_in_the_stages_format(apis, handlers, cloud, log_group):
    log_format = {
        "id": "$context.requestId",
        "route": "$context.routeKey",
        "status": "$context.status",
        "path": "$context.path",
        "ip": "$context.identity.sourceIp",
        "principal": "$context.identity.userArn",
        "bytes": "$context.responseLength",
        "error": "$context.error.message",
        "integration_ms": "$context.integrationLatency",
        "ms": "$context.responseLatency",
        "unknown": "$context.no.such.thing",
    }
    settings = {"DestinationArn": log_group, "Format": json.dumps(log_format)}
    api = apis.deploy("GET /jobs/{id}", AccessLogSettings=settings)
    handlers[api.function] = lambda event: "four"
    request_id = api.request("GET", "/jobs/1").headers["apigw-requestid"]
    api.request("GET", "/nowhere")
    first, second = access_lines(cloud)
    assert int(first.pop("integration_ms")) <= int(first.pop("ms"))
    assert first == {
        "id": request_id,
        "route": "GET /jobs/{id}",
        "status": "200",
        "path": "/jobs/1",
        "ip": "127.0.0.1",
        "principal": "-",
        "bytes": "4",
        "error": "-",
        "unknown": "-",
    }
    assert (second["status"], second["route"], second["error"]) == ("404", "-", "Not Found")
    assert second["integration_ms"] == "-"


def test_access_log_whose_group_is_gone_costs_no_request(apis, handlers, cloud, log_group, caplog):
    settings = {"DestinationArn": log_group.replace("access", "gone"), "Format": "x"}
    api = apis.deploy("GET /jobs", AccessLogSettings=settings)
    handlers[api.function] = lambda event: "ok"
    assert api.request("GET", "/jobs").status_code == 200
    assert "access log group gone" in caplog.text
    groups = cloud.context.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["access"]
