"""A request's body, read without taking it away from the service that serves the request."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from localcloud.identity.errors import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


# Whoever asks may be nobody: what a decision reads of a request has an end.
LIMIT_BYTES = 128 * 1024 * 1024


def body_of(environ: WSGIEnvironment) -> bytes:
    """All of the body; it can be read again from `environ["wsgi.input"]`.

    Raises Refused (413) for more than LIMIT_BYTES.
    """
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = stream.read(LIMIT_BYTES + 1)
    else:
        body = stream.read(min(int(environ.get("CONTENT_LENGTH") or 0), LIMIT_BYTES + 1))
    if len(body) > LIMIT_BYTES:
        raise Refused("EntityTooLarge", f"the body has more than {LIMIT_BYTES} bytes", 413)
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)
