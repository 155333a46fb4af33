"""Lists and bulk deletion, compared with
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def filled(s3) -> str:
    s3.create_bucket(Bucket="listing")
    for key in KEYS:
        s3.put_object(Bucket="listing", Key=key)
    return "listing"


KEYS = sorted(
    ["a", "a/b", "a/c/d", "a/c/e", "b+c", "b c", "jobs/1/x", "jobs/1/y", "jobs/2/x", "z/", "é/ü"],
    key=str.encode,
)


def model(prefix: str, delimiter: str, after: str) -> list[str]:
    """Keys and common prefixes, as one list in order of their bytes."""
    found = []
    for key in KEYS:
        if not key.startswith(prefix):
            continue
        head, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        name = prefix + head + mark if mark else key
        if name.encode() > after.encode() and name not in found:
            found.append(name)
    return found


@given(
    prefix=st.sampled_from(["", "a", "a/", "jobs/", "jobs/1", "nothing", "é"]),
    delimiter=st.sampled_from(["", "/", "c"]),
    page=st.integers(1, 5),
    after=st.sampled_from(["", "a/b", "jobs/1/x", "zz"]),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_put_together_are_the_list(s3, filled, prefix, delimiter, page, after):
    asked: dict[str, Any] = {"Bucket": filled, "Prefix": prefix}
    if delimiter:
        asked["Delimiter"] = delimiter
    if after:
        asked["StartAfter"] = after
    listed: list[str] = []
    pages = s3.get_paginator("list_objects_v2").paginate(
        **asked, PaginationConfig={"PageSize": page}
    )
    for answer in pages:
        names = [entry["Key"] for entry in answer.get("Contents", [])]
        names += [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]
        assert len(names) == answer["KeyCount"] <= page
        listed += sorted(names, key=str.encode)
    assert listed == model(prefix, delimiter, after)


def test_no_more_than_1000_keys_come_at_once(s3, filled):
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000


def test_bad_page_sizes_and_tokens_are_refused(s3, filled, refused):
    invalid = ("InvalidArgument", 400)
    assert refused(s3.list_objects_v2, Bucket=filled, MaxKeys=-1) == invalid
    assert refused(s3.list_objects_v2, Bucket=filled, ContinuationToken="made up") == invalid


def test_at_most_1000_keys_are_deleted_at_once(s3, bucket, refused):
    keys = [{"Key": str(number)} for number in range(1001)]
    refusal = refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": keys})
    assert refusal == ("MalformedXML", 400)
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[:1000]})["Deleted"]
    assert len(deleted) == 1000


def test_quiet_deletion_tells_only_errors(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
    assert "Deleted" not in answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
