from __future__ import annotations

import json

import pytest
import requests
from botocore.exceptions import ClientError

from localcloud.services.bucket_policies import condition_holds


def deny(bucket, condition=None):
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    if condition is not None:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": False}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ],
)
def test_denial_whose_condition_does_not_hold_denies_nothing(cloud, bucket, condition):
    s3 = cloud.context.client("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=deny(bucket, condition))
    s3.put_object(Bucket=bucket, Key="a", Body=b"abc")
    assert s3.get_object(Bucket=bucket, Key="a", Range="bytes=0-1")["ContentLength"] == 2


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.4"}},
        None,
    ],
)
def test_denial_whose_condition_holds_denies_reads_and_ranges(cloud, bucket, condition):
    s3 = cloud.context.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"abc")
    s3.put_bucket_policy(Bucket=bucket, Policy=deny(bucket, condition))
    for options in ({}, {"Range": "bytes=0-1"}):
        with pytest.raises(ClientError) as denied:
            s3.get_object(Bucket=bucket, Key="a", **options)
        assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_policy_lets_anonymous_readers_in_where_it_says_so(cloud, bucket):
    s3 = cloud.context.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"abc")
    url = f"{cloud.context.endpoint}/{bucket}/a"
    assert requests.get(url, timeout=10).status_code == 403
    policy = json.loads(deny(bucket))
    policy["Statement"][0].update(Effect="Allow", Action="s3:GetObject", Principal="*")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert requests.get(url, timeout=10).content == b"abc"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        ({"Bool": {"aws:securetransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": ["false", "true"]}}, True),
        ({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::1:root"}}, False),
        ({"NumericGreaterThanEquals": {"s3:TlsVersion": 1.2}}, True),
        (
            {"Bool": {"aws:SecureTransport": "true"}, "NumericLessThan": {"s3:TlsVersion": 1.2}},
            False,
        ),
    ],
)
def test_condition_holds_when_all_its_operators_do(condition, holds):
    assert condition_holds(condition) is holds


def test_operator_that_is_not_modelled_does_not_hold_and_is_said(caplog):
    assert not condition_holds({"IpAddress": {"aws:SourceIp": "127.0.0.1/8"}})
    assert "IpAddress is not modelled" in caplog.text
