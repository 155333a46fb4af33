"""Checksums of requests, and the codes they are refused with, compared with
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from botocore.config import Config

from localcloud.services.s3_checksums import ALGORITHMS, compute_checksum

CHECK = b"123456789"
# https://reveng.sourceforge.io/crc-catalogue/17plus.htm gives the CRCs of these nine bytes.
KNOWN = {
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "SHA256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}


def encoded(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


@pytest.mark.parametrize("algorithm", KNOWN)
def test_checksums_are_those_of_the_catalogue(algorithm):
    assert compute_checksum(CHECK, algorithm).decode() == encoded(KNOWN[algorithm])
    assert set(KNOWN) == set(ALGORITHMS)


@pytest.mark.parametrize("algorithm", KNOWN)
def test_right_checksum_is_kept_and_a_wrong_one_refused(s3, bucket, refused, algorithm):
    field = f"Checksum{algorithm}"
    value = encoded(KNOWN[algorithm])
    s3.put_object(Bucket=bucket, Key="a", Body=CHECK, **{field: value})
    answer = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert answer[field] == value
    refusal = refused(s3.put_object, Bucket=bucket, Key="b", Body=b"other", **{field: value})
    assert refusal == ("BadDigest", 400)
    assert refused(s3.head_object, Bucket=bucket, Key="b") == ("404", 404)


def test_wrong_or_malformed_md5_is_refused(s3, bucket, refused):
    put = {"Bucket": bucket, "Key": "a", "Body": b"x"}
    other = base64.b64encode(hashlib.md5(b"y").digest()).decode()  # noqa: S324
    assert refused(s3.put_object, **put, ContentMD5=other) == ("BadDigest", 400)
    assert refused(s3.put_object, **put, ContentMD5="bm8=") == ("InvalidDigest", 400)
    assert refused(s3.put_object, **put, ContentMD5="?") == ("InvalidDigest", 400)


def test_part_with_a_wrong_checksum_is_not_taken(s3, bucket, refused):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    name = {"Bucket": bucket, "Key": "a", "UploadId": upload}
    refusal = refused(s3.upload_part, **name, PartNumber=1, Body=b"x", ChecksumCRC32="AAAAAA==")
    assert refusal == ("BadDigest", 400)
    assert "Parts" not in s3.list_parts(**name)


def test_deletion_with_a_wrong_checksum_deletes_nothing(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")

    def wrong(request: Any, **_: Any) -> None:
        request.headers.replace_header("x-amz-checksum-crc32", "AAAAAA==")

    events = s3.meta.events
    events.register("before-sign.s3.DeleteObjects", wrong)
    try:
        refusal = refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
    finally:
        events.unregister("before-sign.s3.DeleteObjects", wrong)
    assert refusal == ("BadDigest", 400)
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_checksum_that_boto3_sends_by_default_is_told_on_reading(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=CHECK)
    head = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == encoded(KNOWN["CRC32"])


def test_object_without_checksum_has_none(cloud, bucket):
    import boto3

    context = cloud.context
    plain: Any = boto3.client(
        "s3",
        endpoint_url=context.endpoint,
        region_name=context.region,
        aws_access_key_id=context.access_key_id,
        aws_secret_access_key=context.secret_access_key,
        config=Config(request_checksum_calculation="when_required"),
    )
    plain.put_object(Bucket=bucket, Key="a", Body=CHECK)
    head = plain.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert not [field for field in head if field.startswith("Checksum")]
