"""Conditional and concurrent writes, compared with
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from moto.s3.models import S3Backend, s3_backends

PART = 5 * 1024 * 1024


@pytest.fixture
def key(s3, bucket) -> dict[str, str]:
    return {"Bucket": bucket, "Key": "a"}


def written(s3: Any, key: dict[str, str], way: str, **conditions: Any) -> Any:
    """Write b"new" to `key` in one of the ways that take conditions."""
    if way == "put":
        return s3.put_object(**key, Body=b"new", **conditions)
    if way == "copy":
        s3.put_object(Bucket=key["Bucket"], Key="source", Body=b"new")
        source = {"Bucket": key["Bucket"], "Key": "source"}
        return s3.copy_object(**key, CopySource=source, **conditions)
    upload = s3.create_multipart_upload(**key)["UploadId"]
    part = s3.upload_part(**key, UploadId=upload, PartNumber=1, Body=b"new")
    return s3.complete_multipart_upload(
        **key,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        **conditions,
    )


WAYS = pytest.mark.parametrize("way", ["put", "copy", "multipart"])


@WAYS
def test_write_if_none_match_creates_and_never_replaces(s3, key, refused, way):
    written(s3, key, way, IfNoneMatch="*")
    s3.put_object(**key, Body=b"kept")
    refusal = refused(lambda: written(s3, key, way, IfNoneMatch="*"))
    assert refusal == ("PreconditionFailed", 412)
    assert s3.get_object(**key)["Body"].read() == b"kept"


@WAYS
def test_write_if_match_replaces_that_object_alone(s3, key, refused, way):
    """404 where there is no object, 412 where it is another."""
    refusal = refused(lambda: written(s3, key, way, IfMatch='"any"'))
    assert refusal == ("NoSuchKey", 404)
    etag = s3.put_object(**key, Body=b"old")["ETag"]
    assert refused(lambda: written(s3, key, way, IfMatch='"other"')) == ("PreconditionFailed", 412)
    assert s3.get_object(**key)["Body"].read() == b"old"
    written(s3, key, way, IfMatch=etag)
    assert s3.get_object(**key)["Body"].read() == b"new"


@WAYS
def test_if_none_match_takes_nothing_but_an_asterisk(s3, key, refused, way):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: expects the '*'."""
    refusal = refused(lambda: written(s3, key, way, IfNoneMatch='"etag"'))
    assert refusal == ("NotImplemented", 501)


def test_delete_marker_counts_as_no_object(s3, key):
    s3.put_bucket_versioning(Bucket=key["Bucket"], VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(**key, Body=b"old")
    s3.delete_object(**key)
    assert written(s3, key, "put", IfNoneMatch="*")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_conditional_delete_takes_that_object_alone(s3, key, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html"""
    etag = s3.put_object(**key, Body=b"old")["ETag"]
    assert refused(s3.delete_object, **key, IfMatch='"other"') == ("PreconditionFailed", 412)
    s3.delete_object(**key, IfMatch=etag)
    assert refused(s3.head_object, **key) == ("404", 404)


def test_conditions_on_the_source_of_a_copy(s3, key, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    etag = s3.put_object(**key, Body=b"old")["ETag"]
    copy = {"Bucket": key["Bucket"], "Key": "copy", "CopySource": key}
    failed = ("PreconditionFailed", 412)
    assert refused(s3.copy_object, **copy, CopySourceIfMatch='"other"') == failed
    assert refused(s3.copy_object, **copy, CopySourceIfNoneMatch=etag) == failed
    s3.copy_object(**copy, CopySourceIfMatch=etag)


def test_of_conditional_writes_at_once_one_wins(s3, key, monkeypatch):
    """Both are past their condition before one stores, if they can be."""
    meeting = threading.Barrier(2)
    store = S3Backend.put_object

    def stored(*args: Any, **kwargs: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.3)
        return store(*args, **kwargs)

    monkeypatch.setattr(S3Backend, "put_object", stored)

    def put(body: bytes) -> int:
        try:
            answer = s3.put_object(**key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            answer = error.response
        return int(answer["ResponseMetadata"]["HTTPStatusCode"])

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put, [b"1", b"2"])) == [200, 412]


def test_no_version_is_lost_among_writes_at_once(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda number: s3.put_object(Bucket=bucket, Key="a", Body=b"%d" % number),
                range(40),
            )
        )
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert {version["VersionId"] for version in listed} == {each["VersionId"] for each in answers}


def test_replaced_object_is_read_to_its_end(cloud, s3, key):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel

    A read gets the data of before or after a write, never an error for it.
    """
    s3.put_object(**key, Body=b"old")
    held = s3_backends[cloud.context.account]["aws"].get_object(key["Bucket"], key["Key"])
    s3.put_object(**key, Body=b"new")
    assert held.value == b"old"
    assert s3.get_object(**key)["Body"].read() == b"new"


def test_reads_during_writes_get_one_whole_object(s3, key):
    """Strong read-after-write: what is read is what was written last, or is being written."""
    bodies = [bytes([number]) * 100_000 for number in range(20)]
    s3.put_object(**key, Body=bodies[0])
    done = threading.Event()

    def read() -> list[bytes]:
        seen = []
        while not done.is_set():
            seen.append(s3.get_object(**key)["Body"].read())
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for body in bodies[1:]:
                s3.put_object(**key, Body=body)
                assert s3.get_object(**key)["Body"].read() == body
        finally:
            done.set()
    assert {body for reader in readers for body in reader.result()} <= set(bodies)


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_body_is_stored_as_sent_whatever_its_content_type(s3, key, content_type):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: the type is a label."""
    url = s3.generate_presigned_url("put_object", Params=key)
    body = b"key=1&file=2\r\n--x--"
    answer = requests.put(url, data=body, headers={"Content-Type": content_type}, timeout=10)
    assert answer.status_code == 200
    stored = s3.get_object(**key)
    assert (stored["Body"].read(), stored["ContentType"]) == (body, content_type)
