"""Reads of objects, compared with https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

S3 refers to RFC 9110 for what a range means, and to RFC 7232 for conditions.
"""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BODY = bytes(range(40))


@pytest.fixture(scope="module")
def stored(s3) -> dict[str, str]:
    s3.create_bucket(Bucket="reading")
    s3.put_object(Bucket="reading", Key="a", Body=BODY)
    return {"Bucket": "reading", "Key": "a"}


def expected(wanted: str) -> tuple[int, bytes]:
    """Status and body by RFC 9110, from slices of the bytes."""
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first and not last:
        return 200, BODY
    if not first:
        suffix = BODY[-int(last) :] if int(last) else b""
        return (206, suffix) if suffix else (416, b"")
    if last and int(last) < int(first):
        return 200, BODY
    data = BODY[int(first) : int(last) + 1 if last else None]
    return (206, data) if data else (416, b"")


@given(
    first=st.just("") | st.integers(0, 60).map(str),
    last=st.just("") | st.integers(0, 60).map(str),
    head=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_range_is_what_the_rfc_says_for_get_and_head(s3, stored, first, last, head):
    wanted = f"bytes={first}-{last}"
    status, data = expected(wanted)
    operation = "head_object" if head else "get_object"
    assert status_of(s3, stored, operation, Range=wanted) == status
    if status == 416:
        return
    answer = getattr(s3, operation)(**stored, Range=wanted)
    assert answer["ContentLength"] == len(data)
    if not head:
        assert answer["Body"].read() == data
    if status == 206:
        begin = len(BODY) - len(data) if not first else int(first)
        assert answer["ContentRange"] == f"bytes {begin}-{begin + len(data) - 1}/{len(BODY)}"


def status_of(s3: Any, stored: dict[str, str], operation: str, **conditions: Any) -> int:
    try:
        answer = getattr(s3, operation)(**stored, **conditions)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_conditions_are_answered_as_documented(s3, stored, operation):
    """412 and 304; If-Match over If-Unmodified-Since, If-None-Match over If-Modified-Since."""
    head = s3.head_object(**stored)
    etag, modified = head["ETag"], head["LastModified"]
    before, after = (modified + datetime.timedelta(hours=hours) for hours in (-1, 1))

    def status(**conditions: Any) -> int:
        return status_of(s3, stored, operation, **conditions)

    assert status(IfMatch=etag) == 200
    assert status(IfMatch='"other"') == 412
    assert status(IfNoneMatch=etag) == 304
    assert status(IfNoneMatch='"other"') == 200
    assert status(IfModifiedSince=before) == 200
    assert status(IfModifiedSince=after) == 304
    assert status(IfUnmodifiedSince=after) == 200
    assert status(IfUnmodifiedSince=before) == 412
    assert status(IfMatch=etag, IfUnmodifiedSince=before) == 200
    assert status(IfNoneMatch='"other"', IfModifiedSince=after) == 200


def test_conditions_hold_for_ranges(s3, stored):
    etag = s3.head_object(**stored)["ETag"]
    assert status_of(s3, stored, "get_object", Range="bytes=0-1", IfMatch=etag) == 206
    assert status_of(s3, stored, "get_object", Range="bytes=0-1", IfMatch='"other"') == 412
    assert status_of(s3, stored, "get_object", Range="bytes=0-1", IfNoneMatch=etag) == 304


def test_response_headers_can_be_overridden(s3, stored):
    answer = s3.get_object(
        **stored, ResponseContentType="text/csv", ResponseContentDisposition="attachment"
    )
    assert (answer["ContentType"], answer["ContentDisposition"]) == ("text/csv", "attachment")


def test_deleted_object_of_a_versioned_bucket_is_404_and_its_version_stays(s3, bucket, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html"""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="a")
    assert marker["DeleteMarker"] is True
    assert refused(s3.get_object, Bucket=bucket, Key="a") == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="a", VersionId=version)["Body"].read() == b"1"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["DeleteMarkers"]] == [marker["VersionId"]]
    s3.delete_object(Bucket=bucket, Key="a", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_delete_marker_cannot_be_read(s3, bucket, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html: 405 by version."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    refusal = refused(s3.get_object, Bucket=bucket, Key="a", VersionId=marker)
    assert refusal == ("MethodNotAllowed", 405)
