"""Multipart uploads, compared with
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (sizes and numbers)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.s3.models import s3_backends

MIB = 1024 * 1024
SMALLEST = 5 * MIB


class Upload:
    """One upload to the key "a"."""

    def __init__(self, s3: Any, bucket: str, **fields: Any) -> None:
        self.s3 = s3
        begun = s3.create_multipart_upload(Bucket=bucket, Key="a", **fields)
        self.name = {"Bucket": bucket, "Key": "a", "UploadId": begun["UploadId"]}
        self.etags: dict[int, str] = {}

    def part(self, number: int, body: bytes, **fields: Any) -> None:
        sent = self.s3.upload_part(**self.name, PartNumber=number, Body=body, **fields)
        self.etags[number] = sent["ETag"]

    def complete(self, *numbers: int, **fields: Any) -> Any:
        parts = [{"PartNumber": number, "ETag": self.etags[number]} for number in numbers]
        return self.s3.complete_multipart_upload(
            **self.name, MultipartUpload={"Parts": parts}, **fields
        )


@pytest.fixture
def upload(s3, bucket) -> Upload:
    return Upload(s3, bucket)


def read(s3: Any, bucket: str, **fields: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key="a", **fields)["Body"].read())


@given(
    numbers=st.lists(st.integers(1, 10_000), min_size=1, max_size=3, unique=True),
    last_bytes=st.integers(0, 100),
    seed=st.integers(0, 1000),
)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_object_is_its_parts_in_order_whatever_the_order_of_upload(
    s3, bucket, numbers, last_bytes, seed
):
    upload = Upload(s3, bucket)
    ordered = sorted(numbers)
    random_bytes = random.Random(seed)  # noqa: S311 - content of parts
    sizes = [SMALLEST] * (len(numbers) - 1) + [last_bytes]
    bodies = {
        number: random_bytes.randbytes(16) * (size // 16) + bytes(size % 16)
        for number, size in zip(ordered, sizes, strict=True)
    }
    for number in numbers:
        upload.part(number, bodies[number])
    etag = upload.complete(*ordered)["ETag"]
    whole = b"".join(bodies[number] for number in ordered)
    assert read(s3, bucket) == whole
    md5s = b"".join(hashlib.md5(bodies[number]).digest() for number in ordered)  # noqa: S324
    assert etag == f'"{hashlib.md5(md5s).hexdigest()}-{len(numbers)}"'  # noqa: S324
    ends = list(itertools.accumulate(len(bodies[number]) for number in ordered))
    for position, (end, number) in enumerate(zip(ends, ordered, strict=True), 1):
        if bodies[number]:
            part = s3.get_object(Bucket=bucket, Key="a", PartNumber=position)
            assert part["Body"].read() == whole[end - len(bodies[number]) : end]


def test_part_but_the_last_of_less_than_5_mib_is_refused(upload, refused):
    upload.part(1, b"x" * (SMALLEST - 1))
    upload.part(2, b"x")
    assert refused(lambda: upload.complete(1, 2)) == ("EntityTooSmall", 400)


def test_parts_out_of_order_are_refused(upload, refused):
    upload.part(1, b"x")
    upload.part(2, b"x")
    assert refused(lambda: upload.complete(2, 1)) == ("InvalidPartOrder", 400)
    assert refused(lambda: upload.complete(1, 1)) == ("InvalidPartOrder", 400)


def test_completion_without_parts_is_refused(upload, refused):
    upload.part(1, b"x")
    assert refused(upload.complete) == ("MalformedXML", 400)


def test_part_that_is_missing_or_another_is_refused(upload, refused):
    upload.part(1, b"x")
    upload.etags[2] = upload.etags[1]
    assert refused(lambda: upload.complete(2)) == ("InvalidPart", 400)
    upload.etags[1] = '"0123"'
    assert refused(lambda: upload.complete(1)) == ("InvalidPart", 400)


def test_refused_completion_leaves_the_upload_open(s3, bucket, upload, refused):
    upload.part(1, b"x")
    upload.part(2, b"y")
    assert refused(lambda: upload.complete(1, 2)) == ("EntityTooSmall", 400)
    upload.complete(2)
    assert read(s3, bucket) == b"y"


def test_completing_twice_is_answered_alike_and_the_upload_is_gone(upload, refused):
    upload.part(1, b"x")
    assert upload.complete(1)["ETag"] == upload.complete(1)["ETag"]
    assert refused(lambda: upload.part(2, b"y")) == ("NoSuchUpload", 404)


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_number_is_1_to_10000(upload, refused, number):
    assert refused(lambda: upload.part(number, b"x")) == ("InvalidArgument", 400)


def test_unknown_upload_and_that_of_another_key_are_404(s3, bucket, upload, refused):
    upload.part(1, b"x")
    other = {**upload.name, "Key": "other"}
    unknown = {**upload.name, "UploadId": "unknown"}
    parts = {"Parts": [{"PartNumber": 1, "ETag": upload.etags[1]}]}
    absent = ("NoSuchUpload", 404)
    for name in (other, unknown):
        assert refused(s3.upload_part, **name, PartNumber=1, Body=b"y") == absent
    assert refused(s3.complete_multipart_upload, **unknown, MultipartUpload=parts) == absent
    assert refused(s3.complete_multipart_upload, **other, MultipartUpload=parts) == absent
    assert refused(s3.abort_multipart_upload, **unknown) == absent
    assert refused(s3.list_parts, **unknown) == absent
    source = {"Bucket": bucket, "Key": "a"}
    assert refused(s3.upload_part_copy, **unknown, PartNumber=1, CopySource=source) == absent


def test_aborted_upload_leaves_nothing(cloud, s3, bucket, upload, refused):
    upload.part(1, b"x")
    s3.abort_multipart_upload(**upload.name)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert not s3_backends[cloud.context.account]["aws"].buckets[bucket].multiparts
    assert refused(s3.head_object, Bucket=bucket, Key="a") == ("404", 404)


def test_parts_do_not_stay_beside_the_object(cloud, bucket, upload):
    upload.part(1, b"x" * 1000)
    upload.complete(1)
    stored = s3_backends[cloud.context.account]["aws"].get_object(bucket, "a")
    assert stored.multipart.parts == {}


def test_parts_are_listed_page_by_page(s3, upload):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
    for number in (1, 2, 3):
        upload.part(number, b"x" * number)
    pages = s3.get_paginator("list_parts").paginate(**upload.name, PaginationConfig={"PageSize": 2})
    listed = [
        [(part["PartNumber"], part["Size"], part["ETag"]) for part in page["Parts"]]
        for page in pages
    ]
    assert listed == [
        [(1, 1, upload.etags[1]), (2, 2, upload.etags[2])],
        [(3, 3, upload.etags[3])],
    ]


def test_part_is_sent_again_and_the_last_counts(s3, bucket, upload):
    upload.part(1, b"old")
    upload.part(1, b"new")
    upload.complete(1)
    assert read(s3, bucket) == b"new"


def test_part_is_copied_from_a_range(s3, bucket, upload, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html"""
    source = {"Bucket": bucket, "Key": "source"}
    s3.put_object(**source, Body=b"0123456789")
    copy = {**upload.name, "PartNumber": 1, "CopySource": source}
    for beyond in ("bytes=5-10", "bytes=8-3", "bytes=5-"):
        refusal = refused(s3.upload_part_copy, **copy, CopySourceRange=beyond)
        assert refusal == ("InvalidArgument", 400)
    gone = {**copy, "CopySource": {"Bucket": bucket, "Key": "nothing"}}
    assert refused(s3.upload_part_copy, **gone) == ("NoSuchKey", 404)
    refusal = refused(s3.upload_part_copy, **copy, CopySourceIfMatch='"other"')
    assert refusal == ("PreconditionFailed", 412)
    part = s3.upload_part_copy(**copy, CopySourceRange="bytes=2-5")
    upload.etags[1] = part["CopyPartResult"]["ETag"]
    upload.complete(1)
    assert read(s3, bucket) == b"2345"


def test_part_is_copied_from_the_version_that_was_asked_for(s3, bucket, upload):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html: versionId"""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    source = {"Bucket": bucket, "Key": "source"}
    old = s3.put_object(**source, Body=b"old")["VersionId"]
    s3.put_object(**source, Body=b"new")
    copied = s3.upload_part_copy(
        **upload.name, PartNumber=1, CopySource={**source, "VersionId": old}
    )
    upload.etags[1] = copied["CopyPartResult"]["ETag"]
    upload.complete(1)
    assert read(s3, bucket) == b"old"


def test_part_of_an_object_is_told_by_its_head(s3, bucket, upload, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: PartNumber"""
    upload.part(3, b"a" * SMALLEST)
    upload.part(7, b"tail")
    upload.complete(3, 7)
    head = s3.head_object(Bucket=bucket, Key="a", PartNumber=2)
    assert (head["PartsCount"], head["ContentLength"]) == (2, 4)
    assert head["ContentRange"] == f"bytes {SMALLEST}-{SMALLEST + 3}/{SMALLEST + 4}"
    beyond = refused(s3.get_object, Bucket=bucket, Key="a", PartNumber=3)
    assert beyond == ("InvalidPartNumber", 416)


def test_object_sent_at_once_is_its_own_part_1(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"abc")
    assert read(s3, bucket, PartNumber=1) == b"abc"
    beyond = refused(s3.get_object, Bucket=bucket, Key="a", PartNumber=2)
    assert beyond == ("InvalidPartNumber", 416)


def test_checksum_of_the_object_is_of_its_parts_checksums(s3, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32")
    bodies = [b"a" * SMALLEST, b"b"]
    for number, body in enumerate(bodies, 1):
        upload.part(number, body, ChecksumAlgorithm="CRC32")
    upload.complete(1, 2)
    crcs = b"".join(binascii.crc32(body).to_bytes(4, "big") for body in bodies)
    composite = base64.b64encode(binascii.crc32(crcs).to_bytes(4, "big")).decode()
    answer = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (f"{composite}-2", "COMPOSITE")


def test_checksum_of_the_whole_object_where_that_was_asked_for(s3, bucket):
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.part(1, b"abc", ChecksumAlgorithm="CRC32")
    upload.complete(1)
    whole = base64.b64encode(binascii.crc32(b"abc").to_bytes(4, "big")).decode()
    answer = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_crc64nvme_is_always_of_the_whole_object(s3, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    upload = Upload(s3, bucket, ChecksumAlgorithm="CRC64NVME")
    upload.part(1, b"a" * SMALLEST)
    upload.part(2, b"b")
    upload.complete(1, 2)
    answer = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert answer["ChecksumType"] == "FULL_OBJECT"
    assert "-" not in answer["ChecksumCRC64NVME"]
