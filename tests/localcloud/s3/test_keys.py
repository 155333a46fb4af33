"""Names of objects, compared with
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import uuid
from typing import Any

import obstore
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.store import S3Store

AWKWARD = [
    "a b",
    "ü/ß.txt",
    "a+b",
    "a%2Fb",
    "a%20b",
    "a//b",
    "/leading",
    "trailing/",
    "../up",
    "x/../y",
    "./here",
    "a?b#c&d=e",
    "~!@$^&*()=[]{}|;:',<>",
    '"quoted"',
    "\U0001f600",
    "x" * 1024,
]


def roundtrip(s3: Any, bucket: str, key: str) -> None:
    body = uuid.uuid4().bytes
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert key in [entry["Key"] for entry in listed]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})


@pytest.mark.parametrize("key", AWKWARD)
def test_key_is_stored_read_listed_copied_and_deleted_as_it_is(s3, bucket, key, refused):
    roundtrip(s3, bucket, key)
    assert refused(s3.head_object, Bucket=bucket, Key=key) == ("404", 404)


@given(
    key=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_key_of_printable_text_is_kept(s3, bucket, key):
    roundtrip(s3, bucket, key)


# Clients of HTTP take dot segments out of an address before they send it.
@pytest.mark.parametrize("key", [key for key in AWKWARD if "./" not in key])
def test_presigned_address_of_any_key_works(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    assert requests.get(url, timeout=10).content == b"x"


def test_key_of_more_than_1024_bytes_is_refused(s3, bucket, refused):
    too_long = ("KeyTooLongError", 400)
    assert refused(s3.put_object, Bucket=bucket, Key="é" * 513, Body=b"") == too_long
    assert refused(s3.create_multipart_upload, Bucket=bucket, Key="x" * 1025) == too_long


@pytest.mark.parametrize("key", ["a b", "ü/ß", "a+b", "jobs/1=2/x.json", "(1)!*'"])
def test_obstore_and_boto3_mean_the_same_by_a_key(cloud, s3, bucket, key):
    context = cloud.context
    store = S3Store(
        bucket,
        endpoint=context.endpoint,
        region=context.region,
        access_key_id=context.access_key_id,
        secret_access_key=context.secret_access_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    obstore.put(store, key, b"from obstore")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"from obstore"
    assert bytes(obstore.get_range(store, key, start=5, end=12)) == b"obstore"
