"""What a decision reads of a request's body."""

from __future__ import annotations

import io

import pytest

from localcloud.iam import body
from localcloud.identity.errors import Refused


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(("size", "refused"), [(10, False), (11, True)])
def test_body_is_read_to_its_limit_and_can_be_read_again(monkeypatch, chunked, size, refused):
    monkeypatch.setattr(body, "LIMIT_BYTES", 10)
    environ = {"wsgi.input": io.BytesIO(b"x" * size), "CONTENT_LENGTH": str(size)}
    if chunked:
        environ = {"wsgi.input": io.BytesIO(b"x" * size), "wsgi.input_terminated": True}
    if refused:
        with pytest.raises(Refused, match="more than 10 bytes"):
            body.body_of(environ)
        return
    assert body.body_of(environ) == b"x" * size
    assert environ["wsgi.input"].read() == b"x" * size
