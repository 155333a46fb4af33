"""Stored S3 objects as several threads see them, and the body of a request as it was sent.

moto closes an object's bytes when it is replaced, under the hands of whoever still reads them; it
computes an ETag by moving the one position that readers share; and it takes an object for a web
form when its content type says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3.models import FakeKey, FakeMultipart
from moto.s3.responses import S3Response
from werkzeug.datastructures import ImmutableMultiDict

from localcloud.services.patches import Patch


def object_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    etag = vars(FakeKey)["etag"]
    return [
        Patch(
            FakeKey,
            "dispose",
            _disposed_unread(FakeKey.dispose),
            "a read ends in an error when the object is replaced meanwhile",
        ),
        Patch(
            FakeKey,
            "etag",
            property(_etag_alone(etag.fget)),
            "an ETag computed during a read makes both wrong",
        ),
        Patch(
            S3Response,
            "setup_class",
            _body_as_sent(S3Response.setup_class),
            "an object with the content type of a web form is stored empty",
        ),
    ]


def _disposed_unread(dispose: Callable[..., None]) -> Callable[..., None]:
    def dispose_unread(key: FakeKey, garbage: bool = False) -> None:
        """Closes the bytes with the last reference, which a reader holds until it is done."""
        if garbage:
            dispose(key, garbage=True)
        key.disposed = True
        upload: FakeMultipart | None = getattr(key, "multipart", None)
        if upload is not None:
            upload.dispose()

    return dispose_unread


def _etag_alone(etag: Callable[[FakeKey], str]) -> Callable[[FakeKey], str]:
    def etag_alone(key: FakeKey) -> str:
        if key._etag is not None:
            return f'"{key._etag}"'
        with key.lock:
            return etag(key)

    return etag_alone


def _body_as_sent(setup: Callable[..., None]) -> Callable[..., None]:
    def setup_class(response: S3Response, request: Any, *args: Any, **kwargs: Any) -> None:
        if request.method == "PUT":
            request.get_data()
            # Where the form is known already, werkzeug does not look for one in the body.
            vars(request).update(form=ImmutableMultiDict(), files=ImmutableMultiDict())
        setup(response, request, *args, **kwargs)

    return setup_class
