"""S3 range reads that cost what they read.

moto copies the whole object for each range request: 16 requests/s on a 64 MB object, whatever the
range. Here a GET with one byte range reads only that range from the stored buffer. All the rest of
the request (authorisation, conditions, versions, headers) stays moto's, as do ranges it ignores.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidRange
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from localcloud.services.patches import Patch

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
    """GetObject with a Range header reads the range, not the object."""
    return [
        Patch(
            S3Response,
            "get_object",
            ranged(S3Response.get_object),
            "copies the whole object for each range request",
        )
    ]


def ranged(get_object: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    """`get_object`, answering 206 with the range alone when the request has one."""

    def get_object_or_range(response: S3Response) -> Any:
        header = response.headers.get("range", "")
        if not header or "partNumber" in response.querystring:
            return get_object(response)
        key, not_modified = response._get_key()
        wanted = None if not_modified else byte_range(header, key.size)
        if wanted is None:
            return get_object(response)
        first, last = wanted
        ranged_key = _RangedKey(key, first, last)
        response._get_key = lambda: (ranged_key, False)  # type: ignore[misc,assignment,method-assign]
        _, headers, body = get_object(response)
        whole = last - first + 1 == key.size
        if not whole:
            # A checksum is of the whole object, which the caller does not get.
            headers = {
                name: value
                for name, value in headers.items()
                if not name.lower().startswith("x-amz-checksum-")
            }
        headers["content-length"] = str(len(body))
        headers["content-range"] = f"bytes {first}-{last}/{key.size}"
        return 206, headers, body

    return get_object_or_range
