"""Signatures in headers, of services of each protocol, compared with
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from urllib.parse import quote

import pytest
import requests
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.functions.errors import ServiceError
from localcloud.identity import authentication

PROTOCOLS = ["s3", "query", "json", "rest"]
EACH = pytest.mark.parametrize("protocol", PROTOCOLS)

MISMATCH = {
    "s3": ("SignatureDoesNotMatch", 403),
    "query": ("SignatureDoesNotMatch", 403),
    "json": ("InvalidSignatureException", 400),
    "rest": ("InvalidSignatureException", 403),
}
UNKNOWN_KEY = {
    "s3": ("InvalidAccessKeyId", 403),
    "query": ("InvalidClientTokenId", 403),
    "json": ("UnrecognizedClientException", 400),
    "rest": ("UnrecognizedClientException", 403),
}
WRONG_TOKEN = {**UNKNOWN_KEY, "s3": ("InvalidToken", 400)}
EXPIRED = {
    "s3": ("ExpiredToken", 400),
    "query": ("ExpiredToken", 403),
    "json": ("ExpiredTokenException", 400),
    "rest": ("ExpiredTokenException", 403),
}


@EACH
def test_right_signature_is_answered(sign, protocol):
    assert getattr(sign, protocol)().send().status_code == 200


@EACH
def test_wrong_secret_is_refused(sign, protocol):
    wrong = Credentials(sign.deployer.access_key, "not-the-secret")
    assert getattr(sign, protocol)(credentials=wrong).refusal() == MISMATCH[protocol]


@EACH
def test_unknown_key_is_refused(sign, protocol):
    unknown = Credentials("AKIAUNKNOWNUNKNOWN00", "any")
    assert getattr(sign, protocol)(credentials=unknown).refusal() == UNKNOWN_KEY[protocol]


@EACH
def test_altered_method_path_query_and_header_are_refused(sign, protocol):
    right = getattr(sign, protocol)()
    for altered in (
        dataclasses.replace(right, method="DELETE"),
        dataclasses.replace(right, url=right.url + "?added=1"),
        dataclasses.replace(right, url=right.url.rstrip("/") + "/other"),
        dataclasses.replace(right, headers={**right.headers, "X-Amz-Date": "20260101T000000Z"}),
    ):
        code, status = altered.refusal()
        assert status in (400, 403)
        assert code in (MISMATCH[protocol][0], "AuthorizationHeaderMalformed")


@pytest.mark.parametrize("protocol", ["query", "json"])
def test_altered_body_is_refused(sign, protocol):
    right = getattr(sign, protocol)()
    altered = dataclasses.replace(right, body=right.body + b" ")
    assert altered.refusal() == MISMATCH[protocol]


def test_altered_body_is_refused_though_its_signed_hash_came_along(sign):
    right = sign.json(announced=True)
    altered = dataclasses.replace(right, body=b'{"MaxResults": 1}')
    assert altered.refusal() == MISMATCH["json"]
    assert right.send().status_code == 200


@EACH
def test_region_must_be_this_clouds(sign, protocol):
    """IAM and STS are signed for us-east-1 everywhere; no other region is meant by them."""
    expected = {**MISMATCH, "s3": ("AuthorizationHeaderMalformed", 400)}
    refusal = getattr(sign, protocol)(region="eu-west-1").refusal()
    assert refusal == expected[protocol]


@EACH
def test_signed_time_must_be_near(sign, protocol):
    """15 minutes for S3, 5 for the others."""
    allowed_s = 900 if protocol == "s3" else 300
    now = datetime.datetime.now(datetime.UTC)
    expected = {**MISMATCH, "s3": ("RequestTimeTooSkewed", 403)}
    for offset_s in (-allowed_s - 5, allowed_s + 5):
        at = now + datetime.timedelta(seconds=offset_s)
        assert getattr(sign, protocol)(at=at).refusal() == expected[protocol]
    for offset_s in (-allowed_s + 10, allowed_s - 10):
        at = now + datetime.timedelta(seconds=offset_s)
        assert getattr(sign, protocol)(at=at).send().status_code == 200


def test_late_signature_says_so(sign):
    late = sign.json(at=datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1))
    assert late.send().json()["message"].startswith("Signature expired: ")


@pytest.mark.parametrize(
    ("protocol", "code", "status"),
    [
        ("query", "MissingAuthenticationToken", 403),
        ("json", "MissingAuthenticationTokenException", 400),
    ],
)
def test_unsigned_request_to_a_service_is_refused(sign, protocol, code, status):
    request = getattr(sign, protocol)()
    del request.headers["Authorization"]
    assert request.refusal() == (code, status)


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("AWS AKIA:signature", ("InvalidRequest", 400)),
        ("Bearer abc", ("InvalidRequest", 400)),
        ("AWS4-HMAC-SHA256", ("AuthorizationHeaderMalformed", 400)),
        ("AWS4-HMAC-SHA256 Credential=a/b/c", ("AuthorizationHeaderMalformed", 400)),
        (
            "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, "
            "SignedHeaders=x-amz-date, Signature=0",
            ("AuthorizationHeaderMalformed", 400),
        ),
    ],
)
def test_authorization_of_another_form_is_refused(sign, authorization, expected):
    request = sign.s3()
    request.headers["Authorization"] = authorization
    assert request.refusal() == expected


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("query", ("IncompleteSignature", 400)),
        ("json", ("IncompleteSignatureException", 400)),
        ("rest", ("IncompleteSignature", 403)),
    ],
)
def test_incomplete_signature_is_refused_by_the_protocols_name(sign, protocol, expected):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html,
    https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    """
    request = getattr(sign, protocol)()
    whole = request.headers["Authorization"]
    request.headers["Authorization"] = whole.partition(", SignedHeaders")[0]
    assert request.refusal() == expected
    request.headers["Authorization"] = whole
    request.headers["X-Amz-Date"] = "yesterday"
    assert request.refusal() == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2015-03-31/functions/any/invocations"),
        ("PUT", "/2019-09-30/functions/any/provisioned-concurrency"),
    ],
)
def test_signature_for_another_service_reaches_only_that_one(cloud, sign, method, path):
    """The scope names the endpoint; what S3 is asked, Lambda does not answer."""
    request = sign.s3(path, method=method, body=b"{}")
    assert "<Error>" in request.send().text
    assert request.refusal()[0] != "ResourceNotFoundException"
    with pytest.raises(ServiceError):
        cloud.functions.invoke("any", None, b"{}")


@pytest.mark.parametrize(
    ("protocol", "begin"), [("query", "<ErrorResponse>"), ("json", '{"__type"')]
)
def test_unsigned_request_is_refused_in_its_own_protocol(sign, protocol, begin):
    """Nothing names the service: the protocol is what such a caller understands."""
    request = getattr(sign, protocol)()
    del request.headers["Authorization"]
    assert request.send().text.startswith(begin)


def test_query_is_compared_however_the_client_wrote_its_escapes(sign):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

    UriEncode: all but letters, digits and four signs is escaped in the canonical request.
    """
    request = sign.s3("/data?prefix=a%2Fb%2A")
    request.url = request.url.replace("a%2Fb%2A", "a/b*")
    assert request.send().status_code == 200


def test_json_protocol_is_known_by_its_content_type_alone(sign):
    request = sign.json()
    del request.headers["X-Amz-Target"]
    assert request.refusal() == MISMATCH["json"]


def test_body_beyond_the_limit_is_refused_though_its_length_is_not_announced(sign, monkeypatch):
    monkeypatch.setattr(authentication, "BODY_LIMIT_BYTES", 10)
    request = sign.json()
    request.body = iter([b"x" * 11])
    assert request.send().status_code == 413


def test_presigned_call_reaches_its_service(cloud):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

    The signature may stand in the query of any service; EKS's clients send STS's so.
    """
    url = cloud.context.client("sts").generate_presigned_url(
        "get_caller_identity", HttpMethod="GET"
    )
    assert f"<Account>{cloud.context.account}</Account>" in requests.get(url, timeout=10).text


def test_keys_of_every_session_count_not_only_of_the_last(cloud, sign, session_of_role):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    sts = cloud.context.client("sts")
    issued = [
        sts.assume_role(RoleArn=session_of_role["RoleArn"], RoleSessionName=name)["Credentials"]
        for name in ("first", "second")
    ]
    for one in issued:
        keys = Credentials(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"])
        assert sign.query(credentials=keys).send().status_code == 200


def test_date_may_stand_in_either_header_and_amzs_own_counts(sign):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html

    When you specify both, x-amz-date is the one that counts.
    """
    request = sign.s3(headers={"Date": "to be set by the signer"})
    assert "X-Amz-Date" not in request.headers
    assert request.send().status_code == 200
    request = sign.s3()
    request.headers["Date"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    assert request.send().status_code == 200


def test_key_of_a_user_counts_while_it_is_active(cloud, sign):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"""
    iam = cloud.context.client("iam")
    user = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=f"{user}-before")
    iam.create_user(UserName=user)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    assert sign.query(credentials=credentials).send().status_code == 200
    for change in (
        lambda: iam.update_access_key(
            UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive"
        ),
        lambda: iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"]),
    ):
        change()
        assert sign.query(credentials=credentials).refusal() == UNKNOWN_KEY["query"]


@EACH
def test_session_is_known_with_its_token_alone(sign, session, protocol):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html"""
    request = getattr(sign, protocol)
    assert request(credentials=session).send().status_code == 200
    without = Credentials(session.access_key, session.secret_key)
    assert request(credentials=without).refusal() == UNKNOWN_KEY[protocol]
    other = Credentials(session.access_key, session.secret_key, "another token")
    assert request(credentials=other).refusal() == WRONG_TOKEN[protocol]
    superfluous = Credentials(sign.deployer.access_key, sign.deployer.secret_key, session.token)
    assert request(credentials=superfluous).refusal() == WRONG_TOKEN[protocol]


@EACH
def test_expired_session_is_refused(cloud, sign, session, protocol):
    from moto.sts.models import sts_backends

    (issued,) = (
        role
        for role in sts_backends[cloud.context.account]["aws"].assumed_roles
        if role.access_key_id == session.access_key
    )
    issued.expiration = datetime.datetime(2020, 1, 1)
    assert getattr(sign, protocol)(credentials=session).refusal() == EXPIRED[protocol]


def test_caller_identity_is_who_signed(cloud, sign, session, session_of_role):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    account = cloud.context.account
    own = cloud.context.client("sts").get_caller_identity()
    assert (own["Account"], own["Arn"]) == (account, f"arn:aws:iam::{account}:user/deployer")
    assumed = sign.query(credentials=session).send().text
    assert f"arn:aws:sts::{account}:assumed-role/{session_of_role['Role']}/scientist" in assumed


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12
)


@given(
    segments=st.lists(_TEXT.filter(lambda text: text not in (".", "..")), min_size=1, max_size=3),
    query=st.dictionaries(_TEXT, st.just("") | _TEXT, max_size=2),
    value=st.text("ab  cé,=", max_size=10),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_path_query_and_header_verifies_as_botocore_signs_it(sign, segments, query, value):
    """Double encoding of the path for all services but S3, and single for S3."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    if query:
        pairs = (f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in query.items())
        path += "?" + "&".join(pairs)
    headers = {"X-Signed": value.strip().encode().decode("latin-1")}
    for request in (sign.s3(f"/data{path}", headers=headers), sign.rest(path, headers=headers)):
        assert "ignature" not in request.send().text
        altered = {**request.headers, "X-Signed": "other"}
        assert "Signature" in dataclasses.replace(request, headers=altered).refusal()[0]


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("/data/%28a%29", "/data/(a)"),
        ("/data/a%3Ab", "/data/a:b"),
        ("/data/%C3%A4", "/data/%c3%a4"),
    ],
)
def test_path_is_compared_decoded_and_encoded_again(sign, signed, sent):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
    request = sign.s3(f"/data/{signed}")
    request.url = request.url.replace(signed, sent)
    assert request.refusal() == ("NoSuchKey", 404)


def test_identity_of_the_program_needs_no_signature(cloud):
    answer = requests.get(f"{cloud.context.endpoint}/_localcloud/identity", timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/moto-api/data.json", "/latest/meta-data/iam/"])
def test_paths_of_moto_itself_are_not_served(sign, path):
    """They are no part of AWS's endpoints: moto's would show and reset everything."""
    request = sign.s3(path)
    assert request.refusal() == ("NoSuchBucket", 404)
    del request.headers["Authorization"]
    assert request.send().status_code in (403, 404)


def test_unsigned_path_that_moto_would_take_for_a_service_is_s3s(sign):
    request = sign.rest("/lambda_us-east-1/2015-03-31/functions")
    del request.headers["Authorization"]
    answer = request.send()
    assert answer.status_code in (403, 404)
    assert "Functions" not in answer.text


def test_preflight_reaches_no_service_but_s3(cloud, sign):
    """Browsers send them without credentials; a made up signature in one must open nothing."""
    wrong = Credentials(sign.deployer.access_key, "not-the-secret")
    request = sign.query(b"Action=GetCallerIdentity&Version=2011-06-15", credentials=wrong)
    request.method = "OPTIONS"
    answer = request.send()
    assert answer.status_code in (400, 403, 404)
    assert "GetCallerIdentityResult" not in answer.text
    invoking = sign.rest("/2015-03-31/functions/any/invocations", credentials=wrong)
    invoking.method = "OPTIONS"
    answer = invoking.send()
    assert (answer.status_code, "Insufficient information" in answer.text) == (400, True)
