"""S3 reads of a range or a part that cost what they read.

moto copies the whole object for each range request: 16 requests/s on a 64 MB object, whatever the
range. Here a GET with one byte range reads only that range from the stored buffer, and a part of a
multipart upload is the range it became. All the rest of the request (authorisation, conditions,
versions, headers) stays moto's, as do ranges it ignores.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidRange
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch, method

_ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class _RangedKey:
    """A stored object whose `value` is one range of it, first and last byte included."""

    def __init__(self, key: FakeKey, first: int, last: int) -> None:
        self._key = key
        self._first = first
        self._last = last

    @property
    def value(self) -> bytes:
        with self._key.lock:
            self._key._value_buffer.seek(self._first)
            return self._key._value_buffer.read(self._last - self._first + 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks of an object of `size` bytes.

    None for what S3 ignores (several ranges, reversed, malformed). Raises moto's InvalidRange (416)
    for a range that begins past the end.
    https://www.rfc-editor.org/rfc/rfc9110#name-byte-ranges
    """
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    if (int(first) >= size) if first else (int(last) == 0 or size == 0):
        raise InvalidRange(actual_size=str(size), range_requested=header)
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def range_patches() -> list[Patch]:
    """GetObject and HeadObject of a range or a part."""
    return [
        Patch(
            S3Response,
            "get_object",
            ranged(S3Response.get_object),
            "copies the whole object for each range request; answers a part with the whole",
        ),
        Patch(
            S3Response,
            "head_object",
            _part_headers(S3Response.head_object),
            "a part's length is the whole object's once the upload is complete",
        ),
        Patch(
            S3Response,
            "_handle_range_header",
            method(_head_range),
            "reads a range once more, and refuses one that is to be ignored",
        ),
    ]


def ranged(get_object: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    """`get_object`, answering 206 with the range or part alone when the request has one."""

    def get_object_or_range(response: S3Response) -> Any:
        header = response.headers.get("range", "")
        part_number = response.querystring.get("partNumber", [None])[0]
        if not header and part_number is None:
            return get_object(response)
        key, not_modified = response._get_key()
        wanted = None
        if not not_modified:
            if part_number is None:
                wanted = byte_range(header, key.size)
            else:
                wanted = part_range(key, part_number)
        if wanted is None:
            return get_object(response)
        first, last = wanted
        ranged_key = _RangedKey(key, first, last)
        response._get_key = lambda: (ranged_key, False)  # type: ignore[misc,assignment,method-assign]
        response.querystring.pop("partNumber", None)
        _, headers, body = get_object(response)
        if len(body) != key.size:
            headers = _without_checksums(headers)
        headers["content-length"] = str(len(body))
        headers["content-range"] = f"bytes {first}-{last}/{key.size}"
        if part_number is not None:
            headers.update(_parts_count(key))
        return 206, headers, body

    return get_object_or_range


def _head_range(
    response: S3Response, request: Any, headers: dict[str, Any], body: Any
) -> tuple[int, dict[str, Any], Any]:
    """What a range makes of a complete answer: nothing where it has a body, which was read so."""
    if request.method != "HEAD":
        return 200, headers, body
    size = int(headers["content-length"])
    try:
        wanted = byte_range(request.headers["range"], size)
    except InvalidRange:
        return 416, {}, b""
    if wanted is None:
        return 200, headers, body
    first, last = wanted
    if (first, last) != (0, size - 1):
        headers = _without_checksums(headers)
    headers["content-length"] = str(last - first + 1)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return 206, headers, body


def _without_checksums(headers: dict[str, Any]) -> dict[str, Any]:
    """A checksum is of the whole object, which the caller does not get."""
    return {
        name: value
        for name, value in headers.items()
        if not name.lower().startswith("x-amz-checksum-")
    }


def part_range(key: FakeKey, part_number: str) -> tuple[int, int] | None:
    """First and last byte of a part; None for the only part of an empty object.

    An object that was uploaded at once is its own part 1. Raises Refused (416) for others.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    sizes = getattr(key.multipart, "part_sizes", None) or [key.size]
    if not part_number.isdecimal() or not 1 <= int(part_number) <= 10_000:
        raise Refused(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            400,
        )
    number = int(part_number)
    if number > len(sizes):
        raise Refused("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    first = sum(sizes[: number - 1])
    return (first, first + sizes[number - 1] - 1) if sizes[number - 1] else None


def _parts_count(key: FakeKey) -> dict[str, str]:
    sizes = getattr(key.multipart, "part_sizes", None)
    return {"x-amz-mp-parts-count": str(len(sizes))} if sizes else {}


def _part_headers(head_object: Callable[..., Any]) -> Callable[..., Any]:
    def head_part(
        response: S3Response, bucket_name: str, query: dict[str, Any], key_name: str, headers: Any
    ) -> Any:
        part_number = query.get("partNumber", [None])[0]
        version_id = query.get("versionId", [None])[0]
        key = response.backend.get_object(bucket_name, key_name, version_id=version_id)
        if part_number is None or key is None:
            return head_object(response, bucket_name, query, key_name, headers)
        wanted = part_range(key, part_number)
        rest = {name: value for name, value in query.items() if name != "partNumber"}
        status, answer, body = head_object(response, bucket_name, rest, key_name, headers)
        if status == 200 and wanted is not None:
            first, last = wanted
            answer["content-length"] = str(last - first + 1)
            answer["content-range"] = f"bytes {first}-{last}/{key.size}"
            answer.update(_parts_count(key))
            status = 206
        return status, answer, body

    return head_part
