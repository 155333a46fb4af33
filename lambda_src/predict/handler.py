"""Lambda's entry for a few pictures by HTTP: POST /classify, answered at once.

It has no bucket and no job: what it is asked comes with the request, what it finds goes with the
answer. The model is loaded while the environment initialises, never during a request.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from shpc_core.classifier import Classifier, shipped_model
from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.images import MEDIA_TYPES, picture_format
from shpc_core.messages import parse
from shpc_core.pictures import PicturesRequest, classify_pictures
from shpc_http.events import HttpEvent, parse_event
from shpc_http.responses import HttpError, answer, answered
from shpc_lambda.observation import Observation

# What base64 leaves of the 6 MB that an event may hold.
MAX_BODY_BYTES = 4_500_000


class Context(Protocol):
    """What this handler reads of Lambda's context object."""

    aws_request_id: str


_CLASSIFIER = Classifier(shipped_model(os.environ))
_OBSERVATION = Observation(os.environ)


@_OBSERVATION.each
def handler(event: Any, context: Context) -> dict[str, Any]:
    """An HTTP API event in, a response out, whatever happens."""
    return answered(lambda: _classify(parse_event(event)), request_id=context.aws_request_id)


def _classify(event: HttpEvent) -> dict[str, Any]:
    classified = classify_pictures(_pictures(event), classifier=_CLASSIFIER)
    _OBSERVATION.done(images=len(classified.predictions))
    return answer(200, classified)


def _pictures(event: HttpEvent) -> PicturesRequest:
    body = event.body_bytes
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("body", f"is {len(body)} bytes long", f"at most {MAX_BODY_BYTES}")
    if event.media_type in MEDIA_TYPES.values():
        _check_claim(body, event.media_type)
        return PicturesRequest(images=[body])
    if event.media_type == "application/json":
        return parse(event.json(), PicturesRequest)
    raise HttpError(
        415,
        "unsupported_media_type",
        f"content-type: is {event.media_type or 'not given'}; "
        f"allowed: {', '.join(MEDIA_TYPES.values())}, application/json",
        field="content-type",
    )


def _check_claim(body: bytes, media_type: str) -> None:
    """A file of one format under the name of another was mixed up on its way here."""
    found = picture_format(body)
    if found is not None and MEDIA_TYPES[found] != media_type:
        raise InvalidInput(
            "content-type", f"is {media_type}, but the file is {found}", MEDIA_TYPES[found]
        )
