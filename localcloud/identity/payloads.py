"""Bodies checked while they are read: once, piece by piece, by whoever reads them anyway.

A stream here stands before the received one. It never holds the body; the reader learns at the end
that what it read is not what was signed.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from typing import Protocol

from localcloud.identity.errors import Refused


class Readable(Protocol):
    """The received body."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; b"" at the end."""


class HashedBody(io.RawIOBase):
    """Raises `mismatch` in the place of the end, when the body's SHA-256 is not `sha256`.

    `length` is how many bytes are announced, None where only the end tells.
    """

    def __init__(self, body: Readable, sha256: str, length: int | None, mismatch: Refused) -> None:
        self._body = body
        self._sha256 = sha256
        self._left = length
        self._mismatch = mismatch
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        if self._left is not None:
            self._left -= len(data)
        # Who knows the length does not read on to the end.
        if self._left == 0 or (not data and len(buffer)):
            self._check()
        return len(data)

    def _check(self) -> None:
        if not hmac.compare_digest(self._digest.hexdigest(), self._sha256):
            raise self._mismatch
