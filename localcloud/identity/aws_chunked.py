"""Bodies in S3's aws-chunked encoding, decoded while they are read, their signatures checked.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
Each chunk is a line of its length in hexadecimal, `;chunk-signature=` behind it if they are signed,
and its data; one of length 0 ends them, and trailing headers may follow, which are handed on. At
most one chunk is held.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.identity.errors import Refused
from localcloud.identity.payloads import Readable
from localcloud.identity.reasons import Dialect, Reason, refusal

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
ENCODINGS = (UNSIGNED_TRAILER, SIGNED, SIGNED_TRAILER)

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_LONGEST_LINE_BYTES = 16 * 1024
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


@dataclass
class ChunkSignatures:
    """The chain of signatures over chunks: each covers the one before it.

    `key` is the derived signing key, `seed` the request's own signature; `timestamp` and `scope`
    are those of the request.
    """

    key: bytes
    seed: str
    timestamp: str
    scope: str

    def check(self, data: bytes, signature: str) -> None:
        """Raises Refused (SignatureDoesNotMatch) for a chunk that was not signed so."""
        payload = f"{_EMPTY_SHA256}\n{hashlib.sha256(data).hexdigest()}"
        self._check("AWS4-HMAC-SHA256-PAYLOAD", payload, signature)

    def check_trailer(self, lines: bytes, signature: str) -> None:
        """The same for the trailing headers, each line of which ends with a newline."""
        self._check("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines).hexdigest(), signature)

    def _check(self, algorithm: str, payload: str, signature: str) -> None:
        text = "\n".join((algorithm, self.timestamp, self.scope, self.seed, payload))
        expected = hmac.digest(self.key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, signature):
            raise refusal(Reason.MISMATCH, Dialect.S3)
        self.seed = expected


class DecodedBody(io.RawIOBase):
    """The data in the chunks of `body`. `on_trailer` gets the trailing headers at the end.

    Reading raises Refused for a body that is malformed, wrongly signed, or not of `length` bytes.
    """

    def __init__(
        self,
        body: Readable,
        *,
        length: int,
        signatures: ChunkSignatures | None,
        on_trailer: Callable[[dict[str, str]], None],
    ) -> None:
        self._lines = _Lines(body)
        self._left = length
        self._signatures = signatures
        self._on_trailer = on_trailer
        self._chunk = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._chunk and not self._ended:
            self._next_chunk()
        taken = self._chunk[: len(buffer)]
        buffer[: len(taken)] = taken
        self._chunk = self._chunk[len(taken) :]
        if not self._chunk and not self._left and not self._ended:
            # Who knows the length does not read on, and the end is still to be checked.
            self._next_chunk()
        return len(taken)

    def _next_chunk(self) -> None:
        size_text, _, extension = self._lines.line().partition(";")
        try:
            size = int(size_text, 16)
        except ValueError:
            raise _malformed() from None
        if not 0 <= size <= self._left or (size == 0) != (self._left == 0):
            raise Refused(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the "
                "x-amz-decoded-content-length HTTP header",
                400,
            )
        data = self._lines.exactly(size)
        if self._signatures is not None:
            self._signatures.check(data, extension.removeprefix("chunk-signature="))
        if size:
            self._lines.empty()
            self._left -= size
            self._chunk = memoryview(data)
        else:
            self._ended = True
            self._trailer()

    def _trailer(self) -> None:
        headers: dict[str, str] = {}
        while line := self._lines.line(at_end=""):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        signature = headers.pop(_TRAILER_SIGNATURE, "")
        if self._signatures is not None and headers:
            lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
            self._signatures.check_trailer(lines.encode(), signature)
        self._on_trailer(headers)


class _Lines:
    """Lines and counted bytes of a stream that must be left open for its owner."""

    def __init__(self, body: Readable) -> None:
        self._body = body
        self._held = b""

    def line(self, *, at_end: str | None = None) -> str:
        while b"\r\n" not in self._held:
            if len(self._held) > _LONGEST_LINE_BYTES:
                raise _malformed()
            if not (data := self._body.read(64 * 1024)):
                if at_end is not None and not self._held:
                    return at_end
                raise _malformed()
            self._held += data
        line, _, self._held = self._held.partition(b"\r\n")
        return line.decode("latin-1")

    def exactly(self, size: int) -> bytes:
        pieces = [self._held[:size]]
        self._held = self._held[size:]
        missing = size - len(pieces[0])
        while missing:
            if not (data := self._body.read(missing)):
                raise _malformed()
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)

    def empty(self) -> None:
        if self.line():
            raise _malformed()


def _malformed() -> Refused:
    return Refused(
        "InvalidRequest", "The body is not in the aws-chunked encoding that it announces", 400
    )
