"""Which conditions of a read count, and what a delete marker answers.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeDeleteMarker
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch

# Each date counts only where its entity tag is not asked about.
_OVERRULED = (
    ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"),
    ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"),
)


def read_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            S3Response,
            "_key_response",
            _one_condition_each(S3Response._key_response),
            "a date refuses a read that its entity tag allows",
        ),
        Patch(
            S3Response,
            "_key_response_get",
            _no_marker(S3Response._key_response_get),
            "a delete marker is said not to exist",
        ),
    ]


def _one_condition_each(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_key(response: S3Response, request: Any, full_url: str) -> Any:
        for tag, date in _OVERRULED:
            if tag in request.environ:
                request.environ.pop(date, None)
        return handle(response, request, full_url)

    return handle_key


def _no_marker(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_get(response: S3Response, query: dict[str, Any], key_name: str) -> Any:
        if "versionId" in query:
            found = response.backend.get_object(
                response.bucket_name,
                key_name,
                version_id=query["versionId"][0],
                return_delete_marker=True,
            )
            if isinstance(found, FakeDeleteMarker):
                raise Refused(
                    "MethodNotAllowed",
                    "The specified method is not allowed against this resource.",
                    405,
                )
        return handle(response, query, key_name)

    return handle_get
