"""Lambda's entry for the classifier: one shard of a job, or a few pictures by HTTP.

The model is loaded while the environment initialises, never during a request.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import msgspec

from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.images import MEDIA_TYPES, picture_format
from shpc_core.messages import ShardRequest, parse
from shpc_core.pictures import PicturesRequest, classify_pictures
from shpc_core.steps.classify import classify_shard
from shpc_core.store import open_bucket
from shpc_core.telemetry import ExecutionEnvironment
from shpc_http.events import HttpEvent, is_http, parse_event
from shpc_http.responses import HttpError, answer, answered

# What base64 leaves of the 6 MB that an event may hold.
MAX_BODY_BYTES = 4_500_000


class Context(Protocol):
    """What this handler reads of Lambda's context object."""

    aws_request_id: str
    memory_limit_in_mb: str


_INPUTS = open_bucket(os.environ["INPUT_BUCKET"], os.environ)
_RESULTS = open_bucket(os.environ["RESULTS_BUCKET"], os.environ)
_CLASSIFIER = Classifier(Path(os.environ["LAMBDA_TASK_ROOT"], "model", "model.tflite"))
_ENVIRONMENT = ExecutionEnvironment("classify", os.environ)


def handler(event: Any, context: Context) -> Any:
    """A shard of the state machine or an HTTP event in; the shard's count or a response out."""
    invocation = _ENVIRONMENT.begin(
        memory_mb=int(context.memory_limit_in_mb), request_id=context.aws_request_id
    )
    if is_http(event):
        return answered(lambda: _classify_pictures(event), request_id=context.aws_request_id)
    shard = classify_shard(
        parse(event, ShardRequest),
        inputs=_INPUTS,
        results=_RESULTS,
        classifier=_CLASSIFIER,
        invocation=invocation,
    )
    return msgspec.to_builtins(shard)


def _classify_pictures(event: Any) -> dict[str, Any]:
    request = _pictures(parse_event(event))
    return answer(200, classify_pictures(request, classifier=_CLASSIFIER))


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
