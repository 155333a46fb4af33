"""The clients that scientists use, as they come: boto3's transfers and obstore."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import boto3
import obstore
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from moto.s3.models import FakeKey
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

MIB = 1024 * 1024
DATA = random.Random(7).randbytes(12 * MIB + 123)  # noqa: S311 - content of an object


@pytest.fixture
def store(cloud, bucket) -> S3Store:
    context = cloud.context
    return S3Store(
        bucket,
        endpoint=context.endpoint,
        region=context.region,
        access_key_id=context.access_key_id,
        secret_access_key=context.secret_access_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def client(cloud: Any, **config: Any) -> Any:
    context = cloud.context
    return boto3.client(
        "s3",
        endpoint_url=context.endpoint,
        region_name=context.region,
        aws_access_key_id=context.access_key_id,
        aws_secret_access_key=context.secret_access_key,
        config=Config(**config),
    )


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"request_checksum_calculation": "when_required"},
        {"s3": {"payload_signing_enabled": False}},
        {"s3": {"payload_signing_enabled": True}},
    ],
)
def test_boto3_transfers_in_parts_and_back(cloud, bucket, config):
    s3 = client(cloud, **config)
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(DATA), bucket, "a", Config=parts)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "a", back, Config=parts)
    assert back.getvalue() == DATA
    assert s3.head_object(Bucket=bucket, Key="a")["ETag"].endswith('-3"')


def test_boto3_copies_in_parts(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=DATA)
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.copy({"Bucket": bucket, "Key": "a"}, bucket, "b", Config=parts)
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == DATA


def test_obstore_transfers_in_parts_and_reads_ranges(store):
    obstore.put(store, "a", DATA, use_multipart=True, chunk_size=5 * MIB)
    assert bytes(obstore.get(store, "a").bytes()) == DATA
    assert (
        bytes(obstore.get_range(store, "a", start=6 * MIB, end=6 * MIB + 10))
        == (DATA[6 * MIB : 6 * MIB + 10])
    )
    many = obstore.get_ranges(store, "a", starts=[0, 10 * MIB], ends=[10, 10 * MIB + 5])
    assert [bytes(each) for each in many] == [DATA[:10], DATA[10 * MIB : 10 * MIB + 5]]


def test_obstore_creates_and_updates_under_conditions(store):
    created = obstore.put(store, "a", b"1", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "a", b"2", mode="create")
    updated = obstore.put(store, "a", b"2", mode={"e_tag": created["e_tag"]})
    with pytest.raises(PreconditionError):
        obstore.put(store, "a", b"3", mode={"e_tag": created["e_tag"]})
    assert updated["e_tag"] == obstore.head(store, "a")["e_tag"]
    assert bytes(obstore.get(store, "a").bytes()) == b"2"


def test_obstore_lists_deletes_and_misses(store):
    for number in range(5):
        obstore.put(store, f"a/{number}", b"x")
    listed = [entry["path"] for page in obstore.list(store, "a/") for entry in page]
    assert listed == [f"a/{number}" for number in range(5)]
    obstore.delete(store, listed)
    with pytest.raises(FileNotFoundError):
        obstore.head(store, "a/0")


def test_body_of_unknown_length_is_taken_chunk_by_chunk(s3, bucket):
    """HTTP's own chunks, which an S3 presigned address takes with UNSIGNED-PAYLOAD alone here."""
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"})
    answer = requests.put(url, data=iter([b"one", b"two"]), timeout=10)
    assert answer.status_code == 200
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"onetwo"


def test_big_objects_leave_memory_and_their_files_end_with_the_cloud(cloud, s3, bucket):
    """moto spools what is larger than about 5 MiB to a file without a name."""
    from moto.s3.models import s3_backends

    s3.put_object(Bucket=bucket, Key="a", Body=DATA)
    stored = s3_backends[cloud.context.account]["aws"].get_object(bucket, "a")
    assert isinstance(stored, FakeKey)
    assert stored._value_buffer._rolled  # type: ignore[attr-defined]
    file = Path(f"/proc/self/fd/{stored._value_buffer.fileno()}").readlink()
    assert file.name.endswith("(deleted)")
