"""An HTTP request to a deployed API, read once and kept whole, as it was received.

It takes apart and names; it refuses only what is beyond API Gateway's limits of size.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
BODY_LIMIT_BYTES = 10 * 1024 * 1024
# "Total combined size of request line and header values".
HEAD_LIMIT_BYTES = 10_240


class BodyTooLargeError(Exception):
    """The body exceeds what API Gateway accepts."""


class HeadTooLargeError(Exception):
    """The request line and the values of the headers exceed what API Gateway accepts."""


@dataclass(frozen=True)
class ApiRequest:
    """`raw_path` is encoded and begins at the server's root; `path` is decoded, below the API."""

    method: str
    host: str
    raw_path: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    protocol: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    received_at_s: float = field(default_factory=time.time)

    @classmethod
    def read(cls, environ: WSGIEnvironment, path: str) -> ApiRequest:
        """Raises HeadTooLargeError, or BodyTooLargeError having read no more than the limit."""
        headers = tuple(_headers(environ))
        line = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {environ['SERVER_PROTOCOL']}"
        if len(line) + sum(len(value) for _, value in headers) > HEAD_LIMIT_BYTES:
            raise HeadTooLargeError
        return cls(
            method=environ["REQUEST_METHOD"],
            host=environ.get("HTTP_HOST", ""),
            raw_path=environ["RAW_URI"].partition("?")[0],
            path=path,
            query=environ.get("QUERY_STRING", ""),
            headers=headers,
            body=_body(environ),
            source_ip=environ["REMOTE_ADDR"],
            protocol=environ["SERVER_PROTOCOL"],
        )

    def header(self, name: str) -> str | None:
        """Values of a header, joined by commas; None when it is absent. `name` is lower case."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None

    def query_parameters(self) -> dict[str, str]:
        """Decoded query parameters; the values of a repeated one are joined by commas."""
        joined: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return joined


def _headers(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.lower().replace("_", "-"), value
        elif key.startswith("HTTP_") and key != "HTTP_X_MOTO_ACCOUNT_ID":
            yield key[5:].lower().replace("_", "-"), value


def _body(environ: WSGIEnvironment) -> bytes:
    if int(environ.get("CONTENT_LENGTH") or 0) > BODY_LIMIT_BYTES:
        raise BodyTooLargeError
    chunks: list[bytes] = []
    size = 0
    while chunk := environ["wsgi.input"].read(BODY_LIMIT_BYTES + 1 - size):
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_LIMIT_BYTES:
            raise BodyTooLargeError
    return b"".join(chunks)
