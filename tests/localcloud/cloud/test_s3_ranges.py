from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.s3.exceptions import InvalidRange
from moto.s3.models import s3_backends

from localcloud.services.s3_ranges import byte_range

BODY = bytes(range(256)) * 4


@pytest.fixture
def put(cloud, bucket):
    """Store an object; returns its key."""

    def put_object(body: bytes = BODY, **fields: Any) -> str:
        key = uuid.uuid4().hex
        cloud.context.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **fields)
        return key

    return put_object


@pytest.fixture
def get(cloud, bucket):
    def get_object(key: str, wanted: str, **fields: Any) -> Any:
        return cloud.context.client("s3").get_object(Bucket=bucket, Key=key, Range=wanted, **fields)

    return get_object


@pytest.fixture
def reads(monkeypatch, bucket):
    """Sizes of all reads from stored objects."""
    sizes: list[int] = []

    class CountingBuffer:
        def __init__(self, buffer: Any) -> None:
            self._buffer = buffer

        def read(self, *size: int) -> bytes:
            data = self._buffer.read(*size)
            sizes.append(len(data))
            return data

        def __getattr__(self, name: str) -> Any:
            return getattr(self._buffer, name)

    def count(key: str) -> list[int]:
        stored = s3_backends["123456789012"]["aws"].buckets[bucket].keys[key]
        monkeypatch.setattr(stored, "_value_buffer", CountingBuffer(stored._value_buffer))
        return sizes

    return count


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=1000-9999", 1000, 1023),
        ("bytes=0-1023", 0, 1023),
        ("bytes=0-", 0, 1023),
    ],
)
def test_range_is_answered_with_its_bytes_and_where_they_are(put, get, wanted, first, last):
    answer = get(put(), wanted)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["Body"].read() == BODY[first : last + 1]
    assert answer["ContentRange"] == f"bytes {first}-{last}/1024"
    assert answer["ContentLength"] == last - first + 1


def test_range_keeps_the_headers_of_the_object(put, get, cloud, bucket):
    key = put(ContentType="application/x-idx", Metadata={"Rows": "28"})
    whole = cloud.context.client("s3").head_object(Bucket=bucket, Key=key)
    answer = get(key, "bytes=0-9")
    assert answer["ETag"] == whole["ETag"]
    assert answer["LastModified"] == whole["LastModified"]
    assert answer["ContentType"] == "application/x-idx"
    assert answer["Metadata"] == {"rows": "28"}
    assert answer["AcceptRanges"] == "bytes"


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_range_beyond_the_object_is_416(put, get, wanted):
    with pytest.raises(ClientError) as refused:
        get(put(), wanted)
    assert refused.value.response["Error"]["Code"] == "InvalidRange"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 416


@pytest.mark.parametrize("wanted", ["bytes=9-1", "bytes=0-1,5-6", "bytes=-", "bytes=a-b"])
def test_range_that_s3_ignores_yields_the_whole_object(put, cloud, bucket, wanted):
    key = put()
    url = cloud.context.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}
    )
    answer = requests.get(url, headers={"Range": wanted}, timeout=10)
    assert (answer.status_code, answer.content) == (200, BODY)


def test_range_of_a_presigned_url(put, cloud, bucket):
    url = cloud.context.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": put()}
    )
    answer = requests.get(url, headers={"Range": "bytes=1-3"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, BODY[1:4])


def test_range_reads_no_more_than_it_asks_for(put, get, reads):
    key = put(os.urandom(8 * 1024 * 1024))
    sizes = reads(key)
    assert len(get(key, "bytes=4000000-4004095")["Body"].read()) == 4096
    assert sizes == [4096]


def test_conditions_hold_for_ranges_as_for_whole_objects(put, get):
    key = put()
    etag = get(key, "bytes=0-1")["ETag"]
    assert get(key, "bytes=0-1", IfMatch=etag)["ContentLength"] == 2
    with pytest.raises(ClientError) as refused:
        get(key, "bytes=0-1", IfMatch='"another"')
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    with pytest.raises(ClientError) as unchanged:
        get(key, "bytes=0-1", IfNoneMatch=etag)
    assert unchanged.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_range_of_a_version(put, get, cloud, bucket):
    s3 = cloud.context.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="versioned", Body=b"first")["VersionId"]
    s3.put_object(Bucket=bucket, Key="versioned", Body=b"second")
    assert get("versioned", "bytes=0-2")["Body"].read() == b"sec"
    assert get("versioned", "bytes=0-2", VersionId=first)["Body"].read() == b"fir"


def test_checksum_of_the_whole_is_not_told_of_a_range(put, get):
    key = put(ChecksumAlgorithm="SHA256")
    assert "ChecksumSHA256" not in get(key, "bytes=0-9", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" in get(key, "bytes=0-1023", ChecksumMode="ENABLED")


def test_missing_object_and_bucket_are_404(get, cloud):
    with pytest.raises(ClientError) as missing:
        get("nothing", "bytes=0-1")
    assert missing.value.response["Error"]["Code"] == "NoSuchKey"
    with pytest.raises(ClientError) as gone:
        cloud.context.client("s3").get_object(Bucket="no-bucket", Key="a", Range="bytes=0-1")
    assert gone.value.response["Error"]["Code"] == "NoSuchBucket"


def test_ranges_read_at_once_do_not_mix(put, get):
    key = put(os.urandom(1_000_000))
    whole = get(key, "bytes=0-")["Body"].read()
    begin = threading.Barrier(8)

    def read(number: int) -> bool:
        begin.wait(10)
        first = number * 1000
        wanted = f"bytes={first}-{first + 99_999}"
        return bool(get(key, wanted)["Body"].read() == whole[first : first + 100_000])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))


@given(
    size=st.integers(0, 50),
    first=st.none() | st.integers(0, 60),
    last=st.none() | st.integers(0, 60),
)
def test_byte_range_agrees_with_the_rfc(size, first, last):
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    data = list(range(size))
    if first is None and last is None:
        expected: Any = None
    elif first is None:
        expected = data[-last:] if last else []
    elif last is not None and last < first:
        expected = None
    else:
        expected = data[first : None if last is None else last + 1]
    try:
        found = byte_range(header, size)
    except InvalidRange:
        assert expected == []
        return
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert data[found[0] : found[1] + 1] == expected
