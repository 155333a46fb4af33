"""Requests carry the Signature Version 4 that the specification asks for, computed here anew.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest
from botocore.credentials import Credentials, ReadOnlyCredentials

from hpc.http_session import retrying_session
from hpc.signing import ExecuteApiAuth

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def expected_signature(request, secret: str) -> str:
    """The signature of a request that arrived, computed from the specification."""
    authorization = request.headers["authorization"]
    scope = re.search(r"Credential=[^/]+/([^,]+)", authorization)[1]
    signed = re.search(r"SignedHeaders=([^,]+)", authorization)[1]
    date, region, service, _ = scope.split("/")
    path, _, query = request.path.partition("?")
    canonical = "\n".join(
        [
            request.method,
            path,
            query,
            *(f"{name}:{request.headers[name]}" for name in signed.split(";")),
            "",
            signed,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            request.headers["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = _hmac(key, part)
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("token", [None, "session/token=="])
@pytest.mark.parametrize(
    ("method", "path", "json"), [("POST", "/jobs", {"job_id": "j"}), ("GET", "/jobs/j-1", None)]
)
def test_signature_is_what_the_specification_says(fake_api, method, path, json, token) -> None:
    auth = ExecuteApiAuth(ReadOnlyCredentials("AKID", SECRET, token), region="eu-west-1")
    with retrying_session(auth, retries=0) as session:
        session.request(method, f"{fake_api.url}{path}", json=json)
    (request,) = fake_api.requests
    authorization = request.headers["authorization"]
    assert "/eu-west-1/execute-api/aws4_request" in authorization
    assert authorization.endswith(f"Signature={expected_signature(request, SECRET)}")
    assert request.headers.get("x-amz-security-token") == token
    assert ("x-amz-security-token" in authorization) == (token is not None)
    signed = re.search(r"SignedHeaders=([^,]+)", authorization)[1].split(";")
    assert "host" in signed
    assert ("content-type" in signed) == (json is not None)


def test_credentials_are_taken_anew_for_every_request(fake_api) -> None:
    credentials = Credentials("FIRST", SECRET)
    with retrying_session(ExecuteApiAuth(credentials, region="us-east-1"), retries=0) as session:
        session.get(f"{fake_api.url}/jobs/a")
        credentials.access_key = "SECOND"
        session.get(f"{fake_api.url}/jobs/a")
    assert ["FIRST" in request.headers["authorization"] for request in fake_api.requests] == [
        True,
        False,
    ]
