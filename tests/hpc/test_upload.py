"""Input goes up once per content, whole or not at all."""

from __future__ import annotations

import hashlib

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from hpc.upload import upload_input


@pytest.fixture
def s3(aws):
    client = aws("s3")
    client.create_bucket(Bucket="inputs")
    return client


def test_key_is_made_of_the_content(s3, tmp_path) -> None:
    path = tmp_path / "mine.idx"
    path.write_bytes(b"pixels")
    uploaded = upload_input(s3, bucket="inputs", path=path, name="images.idx")
    assert uploaded.key == f"inputs/{hashlib.sha256(b'pixels').hexdigest()[:16]}/images.idx"
    assert (uploaded.size_bytes, uploaded.sent) == (6, True)
    assert s3.get_object(Bucket="inputs", Key=uploaded.key)["Body"].read() == b"pixels"


def test_same_content_is_not_sent_again(s3, tmp_path) -> None:
    first, second = tmp_path / "a.idx", tmp_path / "b.idx"
    for path in (first, second):
        path.write_bytes(b"pixels")
    sent = upload_input(s3, bucket="inputs", path=first, name="images.idx")
    before = s3.head_object(Bucket="inputs", Key=sent.key)["LastModified"]
    again = upload_input(s3, bucket="inputs", path=second, name="images.idx")
    assert (again.key, again.sent) == (sent.key, False)
    assert s3.head_object(Bucket="inputs", Key=sent.key)["LastModified"] == before


@pytest.mark.parametrize(
    ("body", "metadata"),
    [
        (b"pix", {"sha256": hashlib.sha256(b"pixels").hexdigest()}),
        (b"PIXELS", {"sha256": "0" * 64}),
        (b"pixels", {}),
    ],
)
def test_object_that_is_not_provably_the_same_is_replaced(s3, tmp_path, body, metadata) -> None:
    path = tmp_path / "mine.idx"
    path.write_bytes(b"pixels")
    key = f"inputs/{hashlib.sha256(b'pixels').hexdigest()[:16]}/images.idx"
    s3.put_object(Bucket="inputs", Key=key, Body=body, Metadata=metadata)
    assert upload_input(s3, bucket="inputs", path=path, name="images.idx").sent
    assert s3.get_object(Bucket="inputs", Key=key)["Body"].read() == b"pixels"


def test_large_file_goes_in_parts_and_arrives_whole(s3, tmp_path) -> None:
    content = bytes(range(256)) * (9 * 4096)
    path = tmp_path / "large.idx"
    path.write_bytes(content)
    uploaded = upload_input(s3, bucket="inputs", path=path, name="images.idx")
    found = s3.get_object(Bucket="inputs", Key=uploaded.key)
    assert found["ETag"].strip('"').endswith("-2")
    assert found["Body"].read() == content
    assert not upload_input(s3, bucket="inputs", path=path, name="images.idx").sent


def test_denial_is_not_taken_for_absence(tmp_path) -> None:
    path = tmp_path / "mine.idx"
    path.write_bytes(b"pixels")
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="AKID", aws_secret_access_key="secret"
    )
    with Stubber(client) as stub:
        stub.add_client_error("head_object", service_error_code="403", http_status_code=403)
        with pytest.raises(ClientError, match="403"):
            upload_input(client, bucket="inputs", path=path, name="images.idx")
