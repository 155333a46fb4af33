from __future__ import annotations

import pytest

ORIGIN = "https://lab.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.fixture
def cors(apis, handlers, cloud):
    """An API with a CORS configuration."""

    def deploy(**configuration):
        api = apis.deploy("ANY /jobs", authorization="NONE")
        cloud.context.client("apigatewayv2").update_api(
            ApiId=api.api_id, CorsConfiguration=configuration
        )
        handlers[api.function] = lambda event: {
            "statusCode": 200,
            "headers": {"Access-Control-Allow-Origin": "the function's", "X-Kept": "1"},
            "body": event["requestContext"]["http"]["method"],
        }
        return api

    return deploy


def of_cors(answer):
    return {
        name.removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.startswith("access-control-")
    }


def test_preflight_is_answered_without_the_function(cors):
    api = cors(
        AllowOrigins=[ORIGIN],
        AllowMethods=["POST", "GET"],
        AllowHeaders=["content-type"],
        MaxAge=300,
    )
    answer = api.request("OPTIONS", "/jobs", headers=PREFLIGHT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert of_cors(answer) == {
        "allow-origin": ORIGIN,
        "allow-methods": "POST,GET",
        "allow-headers": "content-type",
        "max-age": "300",
    }


def test_configured_headers_replace_the_functions(cors):
    api = cors(AllowOrigins=["*"], ExposeHeaders=["x-kept"])
    answer = api.request("POST", "/jobs", headers={"Origin": ORIGIN})
    assert (answer.text, answer.headers["x-kept"]) == ("POST", "1")
    assert of_cors(answer) == {"allow-origin": "*", "expose-headers": "x-kept"}


def test_origin_that_is_not_allowed_gets_no_headers(cors):
    api = cors(AllowOrigins=[ORIGIN], AllowMethods=["*"])
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert of_cors(api.request("POST", "/jobs", headers=elsewhere)) == {}
    asked = api.request("OPTIONS", "/jobs", headers={**PREFLIGHT, **elsewhere})
    assert (asked.status_code, asked.text) == (200, "OPTIONS")


def test_api_without_cors_passes_everything_on(apis, handlers):
    api = apis.deploy("ANY /jobs")
    handlers[api.function] = lambda event: {
        "statusCode": 200,
        "headers": {"Access-Control-Allow-Origin": "the function's"},
        "body": event["requestContext"]["http"]["method"],
    }
    answer = api.request("OPTIONS", "/jobs", headers=PREFLIGHT)
    assert (answer.status_code, answer.text) == (200, "OPTIONS")
    assert of_cors(answer) == {"allow-origin": "the function's"}
    assert of_cors(api.request("GET", "/nowhere", headers={"Origin": ORIGIN})) == {}
