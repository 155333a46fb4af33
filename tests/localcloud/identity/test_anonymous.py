"""Requests without a signature, compared with
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html (public read)
"""

from __future__ import annotations

import json
import uuid

import pytest
import requests


@pytest.fixture
def public(cloud) -> str:
    """A bucket whose policy lets anyone read what lies under open/."""
    s3 = cloud.context.client("s3")
    bucket = f"public-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/open/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    for key in ("open/a", "closed/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"abc")
    return bucket


def unsigned(cloud, method: str, path: str, **options) -> requests.Response:
    return requests.request(method, f"{cloud.context.endpoint}{path}", timeout=10, **options)


def test_stranger_reads_what_the_policy_opens_and_nothing_else(cloud, public):
    answer = unsigned(cloud, "GET", f"/{public}/open/a")
    assert (answer.status_code, answer.content) == (200, b"abc")
    ranged = unsigned(cloud, "GET", f"/{public}/open/a", headers={"Range": "bytes=1-1"})
    assert (ranged.status_code, ranged.content) == (206, b"b")
    for method, path in (
        ("GET", f"/{public}/closed/a"),
        ("GET", f"/{public}"),
        ("PUT", f"/{public}/open/b"),
        ("DELETE", f"/{public}/open/a"),
        ("GET", "/data/a"),
        ("GET", "/"),
    ):
        refused = unsigned(cloud, method, path)
        assert refused.status_code == 403, (method, path)
        assert "<Code>AccessDenied</Code>" in refused.text


def test_strangers_form_in_an_open_bucket_is_an_object_and_calls_nothing(cloud):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

    takes no signature, but at the endpoint of STS.
    """
    s3 = cloud.context.client("s3")
    bucket = f"open-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    form = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = unsigned(cloud, "PUT", f"/{bucket}/form", data=form, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert s3.get_object(Bucket=bucket, Key="form")["Body"].read() == form


def test_post_of_a_form_is_no_way_in(cloud, public):
    """moto would store it; uploads by signed forms are not modelled."""
    answer = unsigned(
        cloud, "POST", f"/{public}", data={"key": "open/b"}, files={"file": ("b", b"x")}
    )
    assert answer.status_code == 403
    listed = cloud.context.client("s3").list_objects_v2(Bucket=public)["Contents"]
    assert [entry["Key"] for entry in listed] == ["closed/a", "open/a"]


@pytest.mark.parametrize(
    "path",
    [
        "/2015-03-31/functions",
        "/2015-03-31/functions/any/invocations",
        "/v2/apis",
        "/lambda_us-east-1/2015-03-31/functions",
        "/moto-api/reset",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_paths_of_other_services_are_closed(cloud, method, path):
    assert unsigned(cloud, method, path).status_code in (400, 403, 404)
    assert cloud.context.client("s3").get_object(Bucket="data", Key="a")["Body"].read() == b"abc"
