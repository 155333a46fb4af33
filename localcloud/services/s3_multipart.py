"""Multipart uploads to S3, from their parts to the object: order, sizes, and who may add to them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
moto takes parts in any order and for any key, fails with an internal error on an unknown upload,
holds the object in memory two or three times while it is put together, and keeps the parts beside
it. Here it is put together part by part, so that an upload of any size takes the memory of two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from moto.s3.exceptions import (
    EntityTooSmall,
    InvalidMaxPartNumberArgument,
    InvalidPart,
    InvalidPartOrder,
    MalformedXML,
    NoSuchUpload,
)
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch, method
from localcloud.services.s3_checksums import compute_checksum
from localcloud.services.s3_writes import check_source, open_upload, source_of

MOST_PARTS = 10_000

_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class _Joined:
    """An object's bytes as its parts in order, of which memory never holds more than two."""

    def __init__(self, parts: list[FakeKey]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(part.size for part in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        return (part.value for part in self._parts)


def multipart_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            FakeKey,
            "value",
            _written_by_part(vars(FakeKey)["value"]),
            "takes the bytes of an object only whole, in memory",
        ),
        Patch(
            FakeMultipart,
            "complete",
            method(_complete),
            "takes parts in any order; computes a checksum that nobody asked for, wrongly",
        ),
        Patch(
            S3Backend,
            "complete_multipart_upload",
            _without_parts(S3Backend.complete_multipart_upload),
            "all parts are kept beside the object that they became",
        ),
        Patch(
            S3Response,
            "upload_part",
            _of_an_upload(S3Response.upload_part),
            "an unknown upload is an internal error, and another key's is taken",
        ),
        Patch(
            S3Response,
            "upload_part_copy",
            _of_an_upload(_of_a_source(S3Response.upload_part_copy)),
            "an unknown upload is an internal error; conditions and bounds are not checked",
        ),
        Patch(
            S3Backend,
            "upload_part_copy",
            method(_copy_part),
            "copies the whole source for a range of it, and less than was asked for",
        ),
    ]


def _complete(
    upload: FakeMultipart, body: Iterator[tuple[int, str]]
) -> tuple[_Joined, str, tuple[str, str, int] | None]:
    """The object's bytes, its ETag, and its checksum where the upload was begun with one."""
    wanted = list(body)
    if not wanted:
        raise MalformedXML
    if any(number >= following for (number, _), (following, _) in pairwise(wanted)):
        raise InvalidPartOrder
    parts = [_part(upload, number, etag) for number, etag in wanted]
    if any(part.size < S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
        raise EntityTooSmall
    md5s = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
    upload.part_sizes = [part.size for part in parts]  # type: ignore[attr-defined]
    joined = _Joined(parts)
    return joined, etag, _checksum(upload, joined)


def _written_by_part(value: property) -> property:
    def write(key: FakeKey, new_value: bytes | _Joined) -> None:
        if not isinstance(new_value, _Joined):
            value.fset(key, new_value)  # type: ignore[misc]
            return
        for part in new_value:
            key._value_buffer.write(part)
        key.contentsize = len(new_value)

    return property(value.fget, write)


def _part(upload: FakeMultipart, number: int, etag: str) -> FakeKey:
    part = upload.parts.get(number)
    if part is None or part.etag.strip('"') != etag.strip('"'):
        raise InvalidPart
    return part


def _checksum(upload: FakeMultipart, parts: _Joined) -> tuple[str, str, int] | None:
    algorithm = upload.metadata.get("x-amz-checksum-algorithm")
    if algorithm is None:
        return None
    full = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    if upload.metadata.get("x-amz-checksum-type", full) == "FULL_OBJECT":
        # Asked for by few, and no library has all of S3's algorithms by pieces.
        return "FULL_OBJECT", compute_checksum(b"".join(parts), algorithm).decode(), 1
    digests = [compute_checksum(part, algorithm, encode_base64=False) for part in parts]
    return "COMPOSITE", compute_checksum(b"".join(digests), algorithm).decode(), len(digests)


def _without_parts(complete: Callable[..., Any]) -> Callable[..., Any]:
    def complete_upload(
        backend: S3Backend, bucket_name: str, multipart_id: str, body: Iterator[tuple[int, str]]
    ) -> Any:
        upload = backend.get_bucket(bucket_name).multiparts[multipart_id]
        key = complete(backend, bucket_name, multipart_id, body)
        upload.dispose()
        upload.parts.clear()
        return key

    return complete_upload


def _of_an_upload(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_part(response: S3Response) -> Any:
        number = response._get_int_param("partNumber")
        if not 1 <= number <= MOST_PARTS:
            raise InvalidMaxPartNumberArgument(number)
        open_upload(response)
        return handle(response)

    return handle_part


def _of_a_source(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_copy(response: S3Response) -> Any:
        source = source_of(response)
        check_source(response, source)
        wanted = response.headers.get("x-amz-copy-source-range")
        if wanted is not None:
            match = _COPY_RANGE.fullmatch(wanted)
            if match is None or not int(match[1]) <= int(match[2]) < source.size:
                raise Refused(
                    "InvalidArgument",
                    f"Range specified is not valid for source object of size: {source.size}",
                    400,
                )
        return handle(response)

    return handle_copy


def _copy_part(
    backend: S3Backend,
    dest_bucket_name: str,
    multipart_id: str,
    part_id: int,
    src_bucket_name: str,
    src_key_name: str,
    src_version_id: str | None,
    start_byte: int | None,
    end_byte: int | None,
) -> FakeKey:
    source = backend.get_object(src_bucket_name, src_key_name, version_id=src_version_id)
    upload = backend.get_bucket(dest_bucket_name).multiparts.get(multipart_id)
    if source is None or upload is None:
        raise NoSuchUpload(upload_id=multipart_id)
    first = 0 if start_byte is None else start_byte
    last = source.size - 1 if end_byte is None else end_byte
    with source.lock:
        source._value_buffer.seek(first)
        value = source._value_buffer.read(last - first + 1)
    return upload.set_part(part_id, value)
