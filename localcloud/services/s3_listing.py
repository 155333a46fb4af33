"""Limits of S3's lists, as S3 sets them: keys asked for at once, and keys deleted at once.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xmltodict
from moto.s3.exceptions import InvalidContinuationToken, MalformedXML
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch

KEYS_AT_ONCE = 1000


def listing_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            S3Response,
            "list_objects_v2",
            _continued(_bounded(S3Response.list_objects_v2)),
            "any number of keys is listed at once; an unknown token is an internal error",
        ),
        Patch(
            S3Response,
            "list_objects",
            _bounded(S3Response.list_objects),
            "any number of keys is listed at once",
        ),
        Patch(
            S3Response,
            "_bucket_response_delete_keys",
            _deleted(S3Response._bucket_response_delete_keys),
            "any number of keys is deleted at once; Quiet is ignored",
        ),
    ]


def _bounded(handle: Callable[..., Any]) -> Callable[..., Any]:
    def list_bounded(response: S3Response) -> Any:
        asked = response.querystring.get("max-keys", [str(KEYS_AT_ONCE)])[0]
        if not asked.isdecimal():
            raise Refused(
                "InvalidArgument",
                "Argument maxKeys must be an integer between 0 and 2147483647",
                400,
            )
        # S3's own rule: more may be asked for, no more are given.
        response.querystring["max-keys"] = [str(min(int(asked), KEYS_AT_ONCE))]
        return handle(response)

    return list_bounded


def _continued(handle: Callable[..., Any]) -> Callable[..., Any]:
    def list_continued(response: S3Response) -> Any:
        token = response.querystring.get("continuation-token", [None])[0]
        if token is not None and token not in response.backend._pagination_tokens:
            raise InvalidContinuationToken()
        return handle(response)

    return list_continued


def _deleted(handle: Callable[..., Any]) -> Callable[..., Any]:
    def delete_keys(response: S3Response, bucket_name: str, authenticated: bool = True) -> Any:
        request = xmltodict.parse(response.body, force_list=("Object",))["Delete"]
        if len(request.get("Object", [])) > KEYS_AT_ONCE:
            raise MalformedXML()
        if request.get("Quiet") == "true":
            response.serialized = _without_successes(response.serialized)  # type: ignore[method-assign]
        return handle(response, bucket_name, authenticated)

    return delete_keys


def _without_successes(serialized: Callable[..., Any]) -> Callable[..., Any]:
    def serialize(result: Any) -> Any:
        result.result["Deleted"] = []
        return serialized(result)

    return serialize
