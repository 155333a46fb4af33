"""Cross-origin requests, compared with
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

LAB = "https://lab.example.org"
RULES = [
    {
        "AllowedOrigins": ["https://*.example.org"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["x-amz-*", "Range"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]


@pytest.fixture
def url(s3, bucket) -> str:
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    address: str = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    return address


@pytest.fixture
def with_rules(s3, bucket) -> None:
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})


def asked(url: str, origin: str = LAB, method: str = "GET", headers: str = "") -> Any:
    """A preflight; browsers do not sign it."""
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        sent["Access-Control-Request-Headers"] = headers
    return requests.options(url, headers=sent, timeout=10)


def cors_of(answer: requests.Response) -> dict[str, str]:
    prefix = "access-control-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in answer.headers.items()
        if name.lower().startswith(prefix)
    }


def test_bucket_without_rules_tells_no_origin_anything(url):
    answer = requests.get(url, headers={"Origin": LAB}, timeout=10)
    assert (answer.status_code, cors_of(answer)) == (200, {})
    preflight = asked(url)
    assert preflight.status_code == 403
    assert "CORS is not enabled for this bucket" in preflight.text
    assert cors_of(preflight) == {}


@pytest.mark.usefixtures("with_rules")
def test_preflight_is_answered_by_the_rule_that_fits(url):
    answer = asked(url, headers="X-Amz-Meta-A, range")
    assert answer.status_code == 200
    assert cors_of(answer) == {
        "allow-origin": LAB,
        "allow-methods": "GET, PUT",
        "allow-headers": "x-amz-meta-a, range",
        "allow-credentials": "true",
        "expose-headers": "ETag",
        "max-age": "600",
    }
    assert "Origin" in answer.headers["Vary"].split(", ")
    any_origin = asked(url, origin="https://elsewhere.net", method="HEAD")
    assert cors_of(any_origin) == {"allow-origin": "*", "allow-methods": "HEAD"}


@pytest.mark.usefixtures("with_rules")
@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://elsewhere.net", "GET", ""),
        ("https://lab.example.org.elsewhere.net", "GET", ""),
        ("https://labXexample.org", "GET", ""),
        (LAB, "DELETE", ""),
        (LAB, "GET", "authorization"),
    ],
)
def test_preflight_that_no_rule_fits_is_403(url, origin, method, headers):
    answer = asked(url, origin, method, headers)
    assert answer.status_code == 403
    assert "This CORS request is not allowed" in answer.text
    assert cors_of(answer) == {}


@pytest.mark.usefixtures("with_rules")
def test_answer_names_the_origin_that_the_rules_allow(url):
    allowed = cors_of(requests.get(url, headers={"Origin": LAB}, timeout=10))
    assert (allowed["allow-origin"], allowed["expose-headers"]) == (LAB, "ETag")
    elsewhere = requests.get(url, headers={"Origin": "https://elsewhere.net"}, timeout=10)
    assert (elsewhere.status_code, cors_of(elsewhere)) == (200, {})
    assert cors_of(requests.get(url, timeout=10)) == {}


def test_preflight_without_its_headers_is_400(url):
    assert requests.options(url, timeout=10).status_code == 400
    assert requests.options(url, headers={"Origin": LAB}, timeout=10).status_code == 400


def test_other_services_allow_no_origin(cloud):
    """Their documents promise none; an answer to any page of the web would be a leak here."""
    client = cloud.context.client("sts")
    seen: dict[str, Any] = {}

    def origin(request: Any, **_: Any) -> None:
        request.headers["Origin"] = LAB

    client.meta.events.register("before-sign.sts", origin)
    try:
        seen = client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    finally:
        client.meta.events.unregister("before-sign.sts", origin)
    assert not [name for name in seen if name.startswith("access-control-")]
