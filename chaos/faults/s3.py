"""S3 as it can be on a bad day: refusing, slow, cut short. Answers are AWS's own.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from chaos.faults.scene import Scene
from chaos.front import Call, Strike, hang_up
from chaos.plan import Fault

_CODES = {
    500: ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
    503: ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
}
_PIECES = 4


def error(fault: Fault, scene: Scene) -> Strike:
    """500 InternalError or 503 SlowDown instead of what was asked for."""
    line, code, message = _CODES[fault.status]

    def strike(call: Call) -> Iterable[bytes]:
        call.environ["wsgi.input"].read(int(call.environ.get("CONTENT_LENGTH") or 0))
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
            f"<Message>{message}</Message><RequestId>chaos</RequestId></Error>"
        ).encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        call.start_response(line, headers)
        scene.struck(fault, took_effect=True, detail=f"{call.seen.operation}: {line}")
        return [] if call.environ["REQUEST_METHOD"] == "HEAD" else [body]

    return strike


def slow(fault: Fault, scene: Scene) -> Strike:
    """The answer comes in pieces with pauses between them."""

    def strike(call: Call) -> Iterable[bytes]:
        body = b"".join(call.forward())
        return _in_pieces(body)

    def _in_pieces(body: bytes) -> Iterator[bytes]:
        began = time.monotonic()
        size = -(-len(body) // _PIECES)
        for start in range(0, len(body), size):
            time.sleep(fault.seconds / _PIECES)
            yield body[start : start + size]
        took_s = time.monotonic() - began
        scene.struck(fault, took_effect=took_s >= fault.seconds, detail=f"{took_s:.2f} s")

    return strike


def cut(fault: Fault, scene: Scene) -> Strike:
    """Half of the answer, whose length was promised, and then a reset."""

    def strike(call: Call) -> Iterable[bytes]:
        body = b"".join(call.forward())
        return _half(call, body)

    def _half(call: Call, body: bytes) -> Iterator[bytes]:
        half = body[: len(body) // 2]
        scene.struck(
            fault, took_effect=len(half) < len(body), detail=f"{len(half)} of {len(body)} bytes"
        )
        yield half
        hang_up(call.environ)

    return strike
