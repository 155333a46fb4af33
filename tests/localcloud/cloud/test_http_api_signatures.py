from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.http_api.signatures import (
    ALLOWED_CLOCK_SKEW_S,
    FORBIDDEN,
    MISMATCH,
    UNKNOWN_TOKEN,
)

BODY = json.dumps({"job_id": "a"})


@pytest.fixture(scope="module")
def deployed(apis):
    return apis.deploy("$default", "POST /jobs", "GET /jobs/{id}", authorization="AWS_IAM")


@pytest.fixture
def api(deployed, handlers):
    handlers[deployed.function] = lambda event: "ok"
    return deployed


@pytest.fixture
def deployer(cloud):
    return Credentials(cloud.context.access_key_id, cloud.context.secret_access_key)


def signed(
    url: str,
    credentials: Credentials,
    *,
    method: str = "POST",
    body: str | bytes = BODY,
    service: str = "execute-api",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
    at: datetime.datetime | None = None,
) -> requests.Request:
    """A request signed by botocore; what a test then changes was not signed."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    auth = SigV4Auth(credentials, service, region)
    if at is None:
        auth.add_auth(request)
    else:
        request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
        auth._modify_request_before_signing(request)
        signature = auth.signature(
            auth.string_to_sign(request, auth.canonical_request(request)), request
        )
        auth._inject_signature_to_request(request, signature)
    return requests.Request(method, url, headers=dict(request.headers.items()), data=body)


def send(request: requests.Request) -> requests.Response:
    with requests.Session() as session:
        return session.send(request.prepare(), timeout=10)


def refused(answer: requests.Response) -> str:
    assert answer.status_code == 403
    assert set(answer.json()) == {"message"}
    return answer.json()["message"]


def test_signed_request_is_answered_and_its_caller_told(api, cloud, deployer):
    assert send(signed(f"{api.url}/jobs", deployer)).status_code == 200
    caller = api.event()["requestContext"]["authorizer"]["iam"]
    assert caller["accessKey"] == cloud.context.access_key_id
    assert caller["accountId"] == "123456789012"
    assert caller["userArn"] == "arn:aws:iam::123456789012:user/deployer"
    assert caller["cognitoIdentity"] is None


def test_signature_holds_for_query_and_encoded_path(api, deployer):
    url = f"{api.url}/jobs/a%20b%2Fc?b=2&a=1&a=0&empty=&space=x%20y"
    assert send(signed(url, deployer, method="GET", body="")).status_code == 200
    assert api.event()["queryStringParameters"]["space"] == "x y"


@given(
    # Clients take dot segments out of a URL before they send it.
    path=st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20).filter(
        lambda path: path not in (".", "..")
    ),
    query=st.lists(st.tuples(st.text("abc=&%+ é", max_size=5), st.text("abc=&%+ é", max_size=5))),
    body=st.binary(max_size=50),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_signature_of_any_request_holds_and_of_an_altered_one_does_not(
    api, deployer, path, query, body
):
    url = f"{api.url}/{quote(path, safe='')}?{urlencode(query, quote_via=quote)}"
    request = signed(url, deployer, method="PUT", body=body)
    assert send(request).status_code == 200
    request.data = body + b"x"
    assert refused(send(request)) == MISMATCH


def test_unsigned_request_is_forbidden(api):
    assert refused(api.request("POST", "/jobs", data=BODY)) == FORBIDDEN


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc",
        "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/execute-api/aws4_request",
        "AWS4-HMAC-SHA256",
        "Basic dXNlcjpwYXNz",
    ],
)
def test_authorization_that_is_no_sigv4_is_forbidden(api, header):
    answer = api.request("POST", "/jobs", data=BODY, headers={"Authorization": header})
    assert refused(answer) == FORBIDDEN


def test_altered_body_is_refused(api, deployer):
    request = signed(f"{api.url}/jobs", deployer)
    request.data = BODY.replace("a", "b")
    assert refused(send(request)) == MISMATCH


def test_altered_body_is_refused_though_its_signed_hash_came_along(api, deployer):
    digest = hashlib.sha256(BODY.encode()).hexdigest()
    headers = {"X-Amz-Content-SHA256": digest}
    request = signed(f"{api.url}/jobs", deployer, headers=headers)
    assert send(request).status_code == 200
    request.data = BODY.replace("a", "b")
    assert refused(send(request)) == MISMATCH


def test_altered_path_query_method_and_signed_header_are_refused(api, deployer):
    url = f"{api.url}/jobs"
    other_path = signed(url, deployer)
    other_path.url = f"{api.url}/other"
    other_query = signed(url, deployer)
    other_query.url = f"{url}?a=1"
    other_method = signed(url, deployer)
    other_method.method = "PUT"
    other_header = signed(url, deployer, headers={"Content-Type": "application/json"})
    other_header.headers["Content-Type"] = "text/plain"
    missing_header = signed(url, deployer, headers={"X-Signed": "1"})
    del missing_header.headers["X-Signed"]
    for request in (other_path, other_query, other_method, other_header, missing_header):
        assert refused(send(request)) == MISMATCH


def test_unsigned_header_may_change_on_the_way(api, deployer):
    request = signed(f"{api.url}/jobs", deployer)
    request.headers["X-Forwarded-For"] = "192.0.2.1"
    assert send(request).status_code == 200


def test_wrong_secret_is_refused(api, deployer):
    wrong = Credentials(deployer.access_key, "not-the-secret")
    assert refused(send(signed(f"{api.url}/jobs", wrong))) == MISMATCH


def test_unknown_key_is_refused(api):
    unknown = Credentials("AKIAUNKNOWNUNKNOWN00", "any")
    assert refused(send(signed(f"{api.url}/jobs", unknown))) == UNKNOWN_TOKEN


@pytest.mark.parametrize(
    ("offset_s", "status"),
    [
        (-ALLOWED_CLOCK_SKEW_S - 5, 403),
        (ALLOWED_CLOCK_SKEW_S + 5, 403),
        (-ALLOWED_CLOCK_SKEW_S + 10, 200),
        (ALLOWED_CLOCK_SKEW_S - 10, 200),
    ],
)
def test_date_must_be_within_five_minutes(api, deployer, offset_s, status):
    now = datetime.datetime.now(datetime.UTC)
    at = now + datetime.timedelta(seconds=offset_s)
    answer = send(signed(f"{api.url}/jobs", deployer, at=at))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["message"].startswith("Signature ")


def test_date_that_is_none_is_forbidden(api, deployer):
    request = signed(f"{api.url}/jobs", deployer)
    request.headers["X-Amz-Date"] = "yesterday"
    assert refused(send(request)) == FORBIDDEN


@pytest.mark.parametrize("service", ["lambda", "s3", "states"])
def test_signature_for_another_service_is_refused(api, deployer, service):
    message = refused(send(signed(f"{api.url}/jobs", deployer, service=service)))
    assert message == "Credential should be scoped to correct service: 'execute-api'."


def test_signature_for_another_region_is_refused(api, deployer):
    message = refused(send(signed(f"{api.url}/jobs", deployer, region="eu-west-1")))
    assert message == "Credential should be scoped to a valid region."


@pytest.fixture
def role_session(cloud) -> Any:
    return cloud.context.client("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/any", RoleSessionName="scientist"
    )["Credentials"]


def test_temporary_key_is_known_with_its_token_and_refused_without(api, role_session):
    key, secret = role_session["AccessKeyId"], role_session["SecretAccessKey"]
    answer = send(signed(f"{api.url}/jobs", Credentials(key, secret, role_session["SessionToken"])))
    assert answer.status_code == 200
    caller = api.event()["requestContext"]["authorizer"]["iam"]
    assert caller["userArn"] == "arn:aws:sts::123456789012:assumed-role/any/scientist"
    assert refused(send(signed(f"{api.url}/jobs", Credentials(key, secret)))) == UNKNOWN_TOKEN
    wrong = Credentials(key, secret, "another token")
    assert refused(send(signed(f"{api.url}/jobs", wrong))) == UNKNOWN_TOKEN


def test_temporary_key_past_its_expiration_is_refused(api, role_session):
    from moto.sts.models import sts_backends

    for role in sts_backends["123456789012"]["aws"].assumed_roles:
        role.expiration = datetime.datetime(2020, 1, 1)
    credentials = Credentials(
        role_session["AccessKeyId"], role_session["SecretAccessKey"], role_session["SessionToken"]
    )
    message = refused(send(signed(f"{api.url}/jobs", credentials)))
    assert message == "The security token included in the request is expired"


def test_key_of_a_user_is_known_while_it_is_active(api, cloud):
    iam = cloud.context.client("iam")
    user = f"scientist-{uuid.uuid4().hex[:6]}"
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="any", PolicyDocument=document)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    assert send(signed(f"{api.url}/jobs", credentials)).status_code == 200
    caller = api.event()["requestContext"]["authorizer"]["iam"]
    assert caller["userArn"] == f"arn:aws:iam::123456789012:user/{user}"
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(send(signed(f"{api.url}/jobs", credentials))) == UNKNOWN_TOKEN


def test_refused_request_never_reaches_the_function_nor_takes_a_token(apis, handlers, cloud):
    limits = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.001}
    api = apis.deploy("POST /jobs", authorization="AWS_IAM", DefaultRouteSettings=limits)
    handlers[api.function] = lambda event: "ok"
    for _ in range(3):
        assert api.request("POST", "/jobs").status_code == 403
    functions: Any = cloud.functions
    assert functions.invocations == []
    credentials = Credentials(cloud.context.access_key_id, cloud.context.secret_access_key)
    assert send(signed(f"{api.url}/jobs", credentials)).status_code == 200
