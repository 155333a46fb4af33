"""Writes to S3 that happen as one step, under the conditions they name.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
moto looks whether a condition holds and writes afterwards, with other requests in between. Here
writes of one key wait for each other, from the look to the stored object with its metadata. That is
why nobody gets the 409 (ConditionalRequestConflict) with which S3 answers some who came at once:
the first wins, the others get 412.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.s3.exceptions import MissingKey, NoSuchUpload, PreconditionFailed
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch

_LOCKS = tuple(threading.RLock() for _ in range(64))

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
LONGEST_KEY_BYTES = 1024


def write_patches() -> list[Patch]:
    """Conditions of every kind of write, and writes of a key one after another."""
    return [
        Patch(
            S3Response,
            "put_object",
            _conditional(S3Response.put_object),
            "conditional writes at once all succeed; If-None-Match and keys take any value",
        ),
        Patch(
            S3Response,
            "copy_object",
            _conditional(_from_source(S3Response.copy_object)),
            "conditions on the copy and most of those on its source are ignored",
        ),
        Patch(
            S3Response,
            "_key_response_post",
            _completed(S3Response._key_response_post),
            "an upload is completed whatever If-Match says, and not in one step",
        ),
        Patch(
            S3Response,
            "_key_response_delete",
            _one_at_a_time(S3Response._key_response_delete),
            "a conditional delete looks first and deletes later",
        ),
        Patch(
            S3Backend,
            "delete_object",
            _deleted(S3Backend.delete_object),
            "a version written during a delete can be lost",
        ),
    ]


def writing(bucket: str, key: str) -> AbstractContextManager[Any]:
    """Held while one key is written."""
    return _LOCKS[hash((bucket, key)) % len(_LOCKS)]


def _one_at_a_time(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_alone(response: S3Response, *args: Any, **kwargs: Any) -> Any:
        with writing(response.bucket_name, response.parse_key_name()):
            return handle(response, *args, **kwargs)

    return handle_alone


def _conditional(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_if(response: S3Response) -> Any:
        key = response.parse_key_name()
        _check_length(key)
        with writing(response.bucket_name, key):
            _check_conditions(response, response.backend.get_object(response.bucket_name, key))
            return handle(response)

    return handle_if


def _completed(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_post(
        response: S3Response,
        request: Any,
        body: bytes,
        bucket_name: str,
        query: dict[str, Any],
        key_name: str,
    ) -> Any:
        _check_length(key_name)
        if not query.get("uploadId"):
            return handle(response, request, body, bucket_name, query, key_name)
        with writing(bucket_name, key_name):
            existing = response.backend.get_object(bucket_name, key_name)
            upload = existing.multipart if existing is not None else None
            # Completing once more is no further write.
            if upload is None or upload.id != query["uploadId"][0]:
                open_upload(response)
                _check_conditions(response, existing)
            return handle(response, request, body, bucket_name, query, key_name)

    return handle_post


def _deleted(delete: Callable[..., Any]) -> Callable[..., Any]:
    def delete_object(
        backend: S3Backend, bucket_name: str, key_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        with writing(bucket_name, key_name):
            return delete(backend, bucket_name, key_name, *args, **kwargs)

    return delete_object


def open_upload(response: S3Response) -> FakeMultipart:
    """The upload that the request names, to its own key. Raises moto's NoSuchUpload (404)."""
    upload_id = response._get_param("uploadId")
    upload = response.backend.get_bucket(response.bucket_name).multiparts.get(upload_id)
    if upload is None or upload.key_name != response.parse_key_name():
        raise NoSuchUpload(upload_id=upload_id)
    return upload


def _check_length(key: str) -> None:
    if len(key.encode()) > LONGEST_KEY_BYTES:
        raise Refused("KeyTooLongError", "Your key is too long", 400)


def _check_conditions(response: S3Response, existing: FakeKey | None) -> None:
    if_none_match = response.headers.get("If-None-Match")
    if_match = response.headers.get("If-Match")
    if if_none_match not in (None, "*"):
        raise Refused(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented: "
            "If-None-Match; allowed: *",
            501,
        )
    if if_none_match == "*" and existing is not None:
        raise PreconditionFailed("If-None-Match")
    if if_match is not None:
        if existing is None:
            raise MissingKey(key=response.parse_key_name())
        if not _same(if_match, existing.etag):
            raise PreconditionFailed("If-Match")


def _from_source(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_if_source(response: S3Response) -> Any:
        check_source(response, source_of(response))
        return handle(response)

    return handle_if_source


def source_of(response: S3Response) -> FakeKey:
    """The object that x-amz-copy-source names. Raises moto's MissingKey (404)."""
    path, _, query = response.headers["x-amz-copy-source"].partition("?")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    version_id = parse_qs(query).get("versionId", [None])[0]
    source = response.backend.get_object(bucket, key, version_id=version_id)
    if source is None:
        raise MissingKey(key=key)
    return source


def check_source(response: S3Response, source: FakeKey) -> None:
    """Conditions on the source of a copy; raises moto's PreconditionFailed (412).

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    if_match = response.headers.get("x-amz-copy-source-if-match")
    if if_match is not None and not _same(if_match, source.etag):
        raise PreconditionFailed("x-amz-copy-source-If-Match")
    if_none_match = response.headers.get("x-amz-copy-source-if-none-match")
    if if_none_match is not None and _same(if_none_match, source.etag):
        raise PreconditionFailed("x-amz-copy-source-If-None-Match")


def _same(wanted: str, etag: str) -> bool:
    return wanted.strip('"') == etag.strip('"')
