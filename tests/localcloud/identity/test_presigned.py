"""Presigned addresses, compared with
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
"""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import boto3
import botocore.auth
import pytest
import requests
from botocore.config import Config

A = {"Bucket": "data", "Key": "a"}


@pytest.fixture
def s3(cloud) -> Any:
    return cloud.context.client("s3")


def refusal(answer: requests.Response) -> tuple[str, str, int]:
    root = ElementTree.fromstring(answer.text)  # noqa: S314 - our own
    return root.findtext("Code", ""), root.findtext("Message", ""), answer.status_code


@pytest.fixture
def presign_at(s3, monkeypatch):
    """Presign a GET of a known object as if it were `age_s` ago."""

    def presign(age_s: float, expires_s: int) -> str:
        at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age_s)
        monkeypatch.setattr(
            botocore.auth, "get_current_datetime", lambda *_, **__: at.replace(tzinfo=None)
        )
        url: str = s3.generate_presigned_url("get_object", Params=A, ExpiresIn=expires_s)
        monkeypatch.undo()
        return url

    return presign


def test_presigned_get_and_put_work(s3):
    put = s3.generate_presigned_url(
        "put_object", Params={"Bucket": "data", "Key": "b", "ContentType": "text/csv"}
    )
    sent = requests.put(put, data=b"1,2", headers={"Content-Type": "text/csv"}, timeout=10)
    assert sent.status_code == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "b"})
    answer = requests.get(get, timeout=10)
    assert (answer.content, answer.headers["Content-Type"]) == (b"1,2", "text/csv")


def test_presigned_address_expires(presign_at):
    assert requests.get(presign_at(50, 60), timeout=10).status_code == 200
    expired = requests.get(presign_at(61, 60), timeout=10)
    assert refusal(expired) == ("AccessDenied", "Request has expired", 403)


def test_presigned_address_is_not_valid_before_its_time(presign_at):
    early = requests.get(presign_at(-1000, 3600), timeout=10)
    assert refusal(early) == ("AccessDenied", "Request is not yet valid", 403)


@pytest.mark.parametrize(
    "alter",
    [
        lambda url: url.replace("/data/a?", "/data/b?"),
        lambda url: url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        lambda url: url + "&response-content-type=text/html",
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Brange"),
    ],
)
def test_altered_address_is_refused(s3, alter):
    url = s3.generate_presigned_url("get_object", Params=A)
    answer = requests.get(alter(url), timeout=10)
    assert refusal(answer)[::2] == ("SignatureDoesNotMatch", 403)


def test_address_for_one_method_does_not_serve_another(s3):
    url = s3.generate_presigned_url("get_object", Params=A)
    assert refusal(requests.delete(url, timeout=10))[::2] == ("SignatureDoesNotMatch", 403)
    assert refusal(requests.put(url, data=b"x", timeout=10))[0] == "SignatureDoesNotMatch"
    assert requests.head(url, timeout=10).status_code == 403


def test_signed_header_must_come_as_it_was_signed(s3):
    params = {"Bucket": "data", "Key": "c", "ContentType": "text/csv"}
    url = s3.generate_presigned_url("put_object", Params=params)
    for headers in ({"Content-Type": "text/html"}, {}):
        answer = requests.put(url, data=b"x", headers=headers, timeout=10)
        assert refusal(answer)[::2] == ("SignatureDoesNotMatch", 403)


def test_amz_header_beside_the_address_must_be_signed(s3):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "data", "Key": "c"})
    answer = requests.put(url, data=b"x", headers={"x-amz-acl": "public-read"}, timeout=10)
    assert refusal(answer)[::2] == ("AccessDenied", 403)


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "soon", ""])
def test_lifetime_is_a_second_to_a_week(s3, expires):
    url = s3.generate_presigned_url("get_object", Params=A)
    altered = url.replace("X-Amz-Expires=3600", f"X-Amz-Expires={expires}")
    answer = requests.get(altered, timeout=10)
    assert refusal(answer)[::2] == ("AuthorizationQueryParametersError", 400)


@pytest.mark.parametrize("parameter", ["Credential", "Date", "SignedHeaders", "Signature"])
def test_every_parameter_is_required(s3, parameter):
    parts = urlsplit(s3.generate_presigned_url("get_object", Params=A))
    query = "&".join(
        pair for pair in parts.query.split("&") if not pair.startswith(f"X-Amz-{parameter}=")
    )
    answer = requests.get(parts._replace(query=query).geturl(), timeout=10)
    assert refusal(answer)[::2] == ("AuthorizationQueryParametersError", 400)


def test_another_algorithm_is_refused_by_its_name(s3):
    url = s3.generate_presigned_url("get_object", Params=A)
    altered = url.replace("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA512")
    code, message, status = refusal(requests.get(altered, timeout=10))
    assert (code, status) == ("AuthorizationQueryParametersError", 400)
    assert "X-Amz-Algorithm" in message


def test_address_and_header_together_are_refused(s3, sign):
    url = s3.generate_presigned_url("get_object", Params=A)
    header = sign.s3("/data/a").headers["Authorization"]
    answer = requests.get(url, headers={"Authorization": header}, timeout=10)
    assert refusal(answer)[::2] == ("InvalidArgument", 400)


def client(cloud: Any, version: str, **keys: str) -> Any:
    context = cloud.context
    return boto3.client(
        "s3",
        endpoint_url=context.endpoint,
        region_name=context.region,
        config=Config(signature_version=version),
        **keys,
    )


def test_address_of_a_session_works_while_the_session_does(cloud, session_of_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html: who can."""
    from moto.sts.models import sts_backends

    url = client(
        cloud,
        "s3v4",
        aws_access_key_id=session_of_role["AccessKeyId"],
        aws_secret_access_key=session_of_role["SecretAccessKey"],
        aws_session_token=session_of_role["SessionToken"],
    ).generate_presigned_url("get_object", Params=A)
    assert requests.get(url, timeout=10).content == b"abc"
    for role in sts_backends[cloud.context.account]["aws"].assumed_roles:
        if role.access_key_id == session_of_role["AccessKeyId"]:
            role.expiration = datetime.datetime(2020, 1, 1)
    assert refusal(requests.get(url, timeout=10))[::2] == ("ExpiredToken", 400)


def test_version_2_signatures_are_refused(cloud):
    """https://aws.amazon.com/blogs/aws/amazon-s3-update-sigv2-deprecation-period-extended-modified/

    Buckets made after June 24, 2020 do not take them; boto3 still makes them where it is not told.
    """
    context = cloud.context
    keys = {
        "aws_access_key_id": context.access_key_id,
        "aws_secret_access_key": context.secret_access_key,
    }
    url = client(cloud, "s3", **keys).generate_presigned_url("get_object", Params=A)
    assert "AWSAccessKeyId" in url
    assert refusal(requests.get(url, timeout=10))[::2] == ("InvalidRequest", 400)
