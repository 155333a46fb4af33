"""Each repair of moto's S3 on its own: what it is for does not hold without that one.

A probe that fails without its patch says that moto still needs it; one that passes, that it can go.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import tracemalloc
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import moto.s3.models
import moto.s3.responses
import pytest
from botocore.exceptions import ClientError
from moto.s3.models import FakeKey, S3Backend, s3_backends

import localcloud.cloud
import localcloud.server.routing
from localcloud.cloud import Cloud
from localcloud.services.patches import Patch
from localcloud.services.s3 import s3_patches
from localcloud.services.s3_access_logging import access_logging_patches


@dataclass
class Probed:
    """A bucket with one object in it."""

    cloud: Cloud
    bucket: str = field(default_factory=lambda: f"probed-{uuid.uuid4().hex[:8]}")

    @property
    def name(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": "a"}

    @property
    def s3(self) -> Any:
        return self.cloud.context.client("s3")

    @property
    def stored(self) -> FakeKey:
        key = s3_backends[self.cloud.context.account]["aws"].get_object(self.bucket, "a")
        assert isinstance(key, FakeKey)
        return key

    def code(self, operation: str, **fields: Any) -> str:
        """The code of an error; "" for a call that succeeds."""
        try:
            getattr(self.s3, operation)(**{**self.name, **fields})
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    def upload(self, *bodies: bytes, **fields: Any) -> dict[str, Any]:
        """Arguments that complete an upload of one part a body, but If-Match and the like."""
        upload = self.s3.create_multipart_upload(**self.name, **fields)["UploadId"]
        parts = []
        for number, body in enumerate(bodies, 1):
            sent = self.s3.upload_part(**self.name, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        return {"UploadId": upload, "MultipartUpload": {"Parts": parts}}


def name_of(patch: Patch) -> str:
    return f"{patch.target.__name__.rpartition('.')[2]}.{patch.attribute}"


def checksum_kept(at: Probed) -> bool:
    checksum = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    at.s3.put_object(**at.name, Body=b"x", ChecksumSHA256=checksum)
    return "ChecksumSHA256" in at.s3.head_object(**at.name, ChecksumMode="ENABLED")


def wrong_keys_stay(at: Probed) -> bool:
    def wrong(request: Any, **_: Any) -> None:
        request.headers.replace_header("x-amz-checksum-crc32", "AAAAAA==")

    events = at.s3.meta.events
    events.register("before-sign.s3.DeleteObjects", wrong)
    with suppress(ClientError):
        at.s3.delete_objects(Bucket=at.bucket, Delete={"Objects": [{"Key": "a"}]})
    events.unregister("before-sign.s3.DeleteObjects", wrong)
    return at.code("head_object") == ""


def no_origin_reads(at: Probed) -> bool:
    # The services' applications are made once for a process, with CORS or without.
    localcloud.server.routing._moto.app_instances.clear()
    address = at.s3.generate_presigned_url("get_object", Params=at.name)
    asked = urllib.request.Request(address, headers={"Origin": "https://any.net"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        headers = dict(answer.headers)
    localcloud.server.routing._moto.app_instances.clear()
    return "Access-Control-Allow-Origin" not in headers


def with_cors(at: Probed, method: str, asked_method: str) -> tuple[int, Any]:
    rules = [{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]}]
    at.s3.put_bucket_cors(Bucket=at.bucket, CORSConfiguration={"CORSRules": rules})
    address = at.s3.generate_presigned_url("get_object", Params=at.name)
    headers = {"Origin": "https://any.net", "Access-Control-Request-Method": asked_method}
    asked = urllib.request.Request(address, headers=headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


def rule_for_another_method_allows_no_read(at: Probed) -> bool:
    return "Access-Control-Allow-Origin" not in with_cors(at, "GET", "GET")[1]


def disordered_parts_are_refused(at: Probed) -> bool:
    completing = at.upload(b"x", b"y")
    completing["MultipartUpload"]["Parts"].reverse()
    return at.code("complete_multipart_upload", **completing) == "InvalidPartOrder"


def parts_are_joined_one_by_one(at: Probed) -> bool:
    part = b"x" * (5 * 1024 * 1024)
    completing = at.upload(part, part, part, b"y")
    tracemalloc.start()
    try:
        code = at.code("complete_multipart_upload", **completing)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return code == "" and at.stored.size == 3 * len(part) + 1 and peak_bytes < 3 * len(part)


def parts_are_freed(at: Probed) -> bool:
    at.s3.complete_multipart_upload(**at.name, **at.upload(b"x"))
    upload = at.stored.multipart
    assert upload is not None
    return not upload.parts


def range_of_source_is_bounded(at: Probed) -> bool:
    upload = at.s3.create_multipart_upload(**at.name)["UploadId"]
    fields = {"PartNumber": 1, "CopySource": f"{at.bucket}/a", "CopySourceRange": "bytes=0-99"}
    return at.code("upload_part_copy", UploadId=upload, **fields) == "InvalidArgument"


def reads(at: Probed, call: Callable[[], Any]) -> list[int]:
    """Sizes of the reads that `call` makes of the object."""
    stored = at.stored
    buffer = stored._value_buffer
    sizes: list[int] = []

    def read(*size: int) -> bytes:
        data = buffer.read(*size)
        sizes.append(len(data))
        return data

    stored._value_buffer = SimpleNamespace(  # type: ignore[assignment]
        read=read, seek=buffer.seek, close=buffer.close
    )
    call()
    stored._value_buffer = buffer
    return sizes


def copied_part_reads_its_range(at: Probed) -> bool:
    upload = at.s3.create_multipart_upload(**at.name)["UploadId"]
    fields = {"PartNumber": 1, "CopySource": f"{at.bucket}/a", "CopySourceRange": "bytes=2-3"}
    return reads(at, lambda: at.s3.upload_part_copy(**at.name, UploadId=upload, **fields)) == [2]


def range_reads_only_the_range(at: Probed) -> bool:
    return reads(at, lambda: at.s3.get_object(**at.name, Range="bytes=2-3")) == [2]


def replaced_object_is_read_to_its_end(at: Probed) -> bool:
    held = at.stored
    at.s3.put_object(**at.name, Body=b"new")
    try:
        return held.value == b"0123456789"
    except ValueError:
        return False


def etag_waits_for_readers(at: Probed) -> bool:
    stored = at.stored
    stored._etag = None
    with ThreadPoolExecutor(1) as pool, stored.lock:
        etag = pool.submit(lambda: stored.etag)
        with suppress(TimeoutError):
            etag.result(0.2)
        return not etag.done()


def web_form_is_stored(at: Probed) -> bool:
    at.code("put_object", Body=b"k=v", ContentType="application/x-www-form-urlencoded")
    return bool(at.stored.value == b"k=v")


def head_tells_the_part(at: Probed) -> bool:
    at.s3.complete_multipart_upload(**at.name, **at.upload(b"x" * (5 * 1024 * 1024), b"y"))
    try:
        return bool(at.s3.head_object(**at.name, PartNumber=2)["ContentLength"] == 1)
    except ClientError:
        return False


def reversed_range_is_ignored(at: Probed) -> bool:
    return at.code("get_object", Range="bytes=10-1") == ""


def tag_overrules_date(at: Probed) -> bool:
    etag = at.s3.head_object(**at.name)["ETag"]
    return at.code("get_object", IfMatch=etag, IfUnmodifiedSince="2001-01-01") == ""


def marker_is_no_object(at: Probed) -> bool:
    enabled = {"Status": "Enabled"}
    at.s3.put_bucket_versioning(Bucket=at.bucket, VersioningConfiguration=enabled)
    marker = at.s3.delete_object(**at.name)["VersionId"]
    return at.code("get_object", VersionId=marker) == "MethodNotAllowed"


def only_one_creates(at: Probed) -> bool:
    at.s3.delete_object(**at.name)
    return meet(at, "put_object", lambda: at.code("put_object", Body=b"x", IfNoneMatch="*"))


def only_one_deletes(at: Probed) -> bool:
    etag = at.s3.head_object(**at.name)["ETag"]
    return meet(at, "delete_object", lambda: at.code("delete_object", IfMatch=etag))


def meet(at: Probed, step: str, call: Callable[[], str]) -> bool:
    """Whether of two calls at once one fails, though both wait for each other before `step`."""
    meeting = threading.Barrier(2)
    original = getattr(S3Backend, step)

    def together(*args: Any, **kwargs: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.3)
        return original(*args, **kwargs)

    setattr(S3Backend, step, together)
    try:
        with ThreadPoolExecutor(2) as pool:
            codes = list(pool.map(lambda _: call(), range(2)))
    finally:
        setattr(S3Backend, step, original)
    return codes.count("") == 1


def versions_survive_deletes(at: Probed) -> bool:
    """The backend's delete waits for a write that is under way."""
    from localcloud.services.s3_writes import writing

    backend = s3_backends[at.cloud.context.account]["aws"]
    with ThreadPoolExecutor(1) as pool, writing(at.bucket, "a"):
        deletion = pool.submit(backend.delete_object, at.bucket, "a")
        with suppress(TimeoutError):
            deletion.result(0.2)
        return not deletion.done()


PROBES: dict[str, Callable[[Probed], bool]] = {
    "models.compute_checksum": lambda at: (
        moto.s3.models.compute_checksum(b"123456789", "CRC64NVME") == b"rosUhgp5mIg="
    ),
    "responses.compute_checksum": lambda at: (
        moto.s3.responses.compute_checksum(b"123456789", "CRC64NVME") == b"rosUhgp5mIg="
    ),
    "S3Response._get_checksum": checksum_kept,
    "S3Response._key_response_put": lambda at: (
        at.code("put_object", Body=b"x", ChecksumCRC32="AAAAAA==") == "BadDigest"
    ),
    "S3Response._bucket_response_post": wrong_keys_stay,
    "werkzeug_app.DISABLE_GLOBAL_CORS": no_origin_reads,
    "S3Response._response_options": lambda at: with_cors(at, "OPTIONS", "GET")[0] == 403,
    "S3Response._get_cors_headers_other": rule_for_another_method_allows_no_read,
    "S3Response.list_objects_v2": lambda at: (
        at.s3.list_objects_v2(Bucket=at.bucket, MaxKeys=2000)["MaxKeys"] == 1000
    ),
    "S3Response.list_objects": lambda at: (
        at.s3.list_objects(Bucket=at.bucket, MaxKeys=2000)["MaxKeys"] == 1000
    ),
    "S3Response._bucket_response_delete_keys": lambda at: (
        "Deleted"
        not in at.s3.delete_objects(
            Bucket=at.bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True}
        )
    ),
    "FakeMultipart.complete": disordered_parts_are_refused,
    "S3Backend.complete_multipart_upload": parts_are_freed,
    "S3Response.upload_part": lambda at: (
        at.code("upload_part", UploadId="unknown", PartNumber=1) == "NoSuchUpload"
    ),
    "S3Response.upload_part_copy": range_of_source_is_bounded,
    "S3Backend.upload_part_copy": copied_part_reads_its_range,
    "FakeKey.value": parts_are_joined_one_by_one,
    "FakeKey.dispose": replaced_object_is_read_to_its_end,
    "FakeKey.etag": etag_waits_for_readers,
    "S3Response.setup_class": web_form_is_stored,
    "S3Response.get_object": range_reads_only_the_range,
    "S3Response.head_object": head_tells_the_part,
    "S3Response._handle_range_header": reversed_range_is_ignored,
    "S3Response._key_response": tag_overrules_date,
    "S3Response._key_response_get": marker_is_no_object,
    "S3Response.put_object": only_one_creates,
    "S3Response.copy_object": lambda at: (
        at.code("copy_object", CopySource=f"{at.bucket}/a", IfNoneMatch="*") == "PreconditionFailed"
    ),
    "S3Response._key_response_post": lambda at: (
        at.code("complete_multipart_upload", **at.upload(b"x"), IfMatch='"other"')
        == "PreconditionFailed"
    ),
    "S3Response._key_response_delete": only_one_deletes,
    "S3Backend.delete_object": versions_survive_deletes,
}


def held(name: str, cloud: Cloud) -> bool:
    at = Probed(cloud)
    at.s3.create_bucket(Bucket=at.bucket)
    at.s3.put_object(**at.name, Body=b"0123456789")
    return PROBES[name](at)


def test_every_probe_holds_with_all_patches():
    with Cloud() as cloud:
        assert {name: held(name, cloud) for name in PROBES} == dict.fromkeys(PROBES, True)


@pytest.mark.parametrize("name", PROBES)
def test_probe_fails_without_its_patch(name, monkeypatch):
    patches_of = localcloud.cloud._patches
    monkeypatch.setattr(
        localcloud.cloud,
        "_patches",
        lambda *parts: [patch for patch in patches_of(*parts) if name_of(patch) != name],
    )
    with Cloud() as cloud:
        assert not held(name, cloud)


def test_every_repair_has_a_probe_and_a_reason():
    elsewhere = {name_of(patch) for patch in access_logging_patches()}
    assert {name_of(patch) for patch in s3_patches()} - elsewhere == set(PROBES)
    assert all(patch.reason for patch in s3_patches())
    names = [name_of(patch) for patch in s3_patches()]
    assert len(names) == len(set(names))
