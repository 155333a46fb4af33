"""Puts before an S3 request's body what checks and decodes it as its signature announces.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
What reads the body afterwards sees the object's bytes alone, and trailing checksums as headers.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from localcloud.identity.aws_chunked import (
    ENCODINGS,
    UNSIGNED_TRAILER,
    ChunkSignatures,
    DecodedBody,
)
from localcloud.identity.canonical import signing_key
from localcloud.identity.claims import Claim
from localcloud.identity.errors import Refused
from localcloud.identity.payloads import HashedBody
from localcloud.identity.reasons import Dialect, Reason, refusal
from localcloud.identity.request import ReceivedRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_CHUNKED = "aws-chunked"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def check_s3_body(
    environ: WSGIEnvironment, request: ReceivedRequest, claim: Claim, secret: str, payload_hash: str
) -> None:
    """Replace `wsgi.input` by a stream whose reader gets the signed bytes or Refused."""
    if payload_hash in ENCODINGS:
        _decode(environ, request, claim, secret, payload_hash)
    elif payload_hash != UNSIGNED_PAYLOAD:
        mismatch = refusal(Reason.PAYLOAD_MISMATCH, Dialect.S3)
        length = _length(environ)
        if length == 0:
            if payload_hash != _EMPTY_SHA256:
                raise mismatch
            return
        environ["wsgi.input"] = HashedBody(environ["wsgi.input"], payload_hash, length, mismatch)


def _length(environ: WSGIEnvironment) -> int | None:
    """Bytes of the body; None for a chunked transfer, whose end is only seen on the way."""
    if environ.get("wsgi.input_terminated"):
        return None
    return int(environ.get("CONTENT_LENGTH") or 0)


def _decode(
    environ: WSGIEnvironment, request: ReceivedRequest, claim: Claim, secret: str, encoding: str
) -> None:
    announced = request.header("x-amz-decoded-content-length") or ""
    if not announced.isdecimal():
        raise Refused(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
        )
    signatures = None
    if encoding != UNSIGNED_TRAILER:
        scope = claim.scope
        signatures = ChunkSignatures(
            key=signing_key(secret, scope.date, scope.region, scope.service),
            seed=claim.signature,
            timestamp=claim.timestamp,
            scope=str(scope).partition("/")[2],
        )
    expected = {
        name.strip().lower() for name in (request.header("x-amz-trailer") or "").split(",") if name
    }

    def take(trailer: dict[str, str]) -> None:
        if set(trailer) != expected:
            raise Refused(
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform "
                "to our published schema.",
                400,
            )
        for name, value in trailer.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value

    environ["wsgi.input"] = DecodedBody(
        environ["wsgi.input"], length=int(announced), signatures=signatures, on_trailer=take
    )
    environ["CONTENT_LENGTH"] = announced
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = UNSIGNED_PAYLOAD
    kept = [
        encoding.strip()
        for encoding in environ.pop("HTTP_CONTENT_ENCODING", "").split(",")
        if encoding.strip() not in ("", _CHUNKED)
    ]
    if kept:
        environ["HTTP_CONTENT_ENCODING"] = ",".join(kept)
