"""The part of an HTTP API event (payload format 2.0) that handlers read, typed.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import msgspec

from shpc_core.errors import InvalidInput

_JSON = "a JSON object in UTF-8"


class HttpEvent(msgspec.Struct, frozen=True, rename="camel"):
    """One request. API Gateway has lower-cased the header names."""

    route_key: str
    headers: dict[str, str] = {}
    path_parameters: dict[str, str] = {}
    body: str = ""
    is_base64_encoded: bool = False

    @property
    def body_bytes(self) -> bytes:
        """The body as the client sent it."""
        if not self.is_base64_encoded:
            return self.body.encode()
        try:
            return base64.b64decode(self.body, validate=True)
        except binascii.Error as error:
            raise InvalidInput("body", f"is not base64: {error}", "base64") from error

    def json(self) -> Any:
        """The body as JSON, no matter what it calls itself; `InvalidInput` when it is not.

        Strict: UTF-8, no NaN, no lone surrogates, no name twice in an object (of which one value
        would silently win), no deeper than msgspec goes.
        """
        body = self.body_bytes
        try:
            decoded = msgspec.json.decode(body)
            # msgspec does not report repeated names; the standard library shows them.
            json.loads(body, object_pairs_hook=_unrepeated, parse_int=str, parse_float=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput("body", f"is not JSON: {error}", _JSON) from error
        except RecursionError as error:
            raise InvalidInput("body", "is nested too deeply", _JSON) from error
        return decoded

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters; empty when not stated."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse_event(event: Any) -> HttpEvent:
    """API Gateway leaves out what a request does not have; so may the event.

    `InvalidInput` for an event that is none of an HTTP API, from whoever invoked directly.
    """
    try:
        return msgspec.convert(event, HttpEvent)
    except msgspec.ValidationError as error:
        raise InvalidInput("event", str(error), "an HTTP API event, format 2.0") from error


def _unrepeated(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"body.{twice[:80]}", "is given more than once", "every name once")
