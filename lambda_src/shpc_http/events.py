"""The part of an HTTP API event (payload format 2.0) that handlers read, typed.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from shpc_core.errors import InvalidInput


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
        return base64.b64decode(self.body) if self.is_base64_encoded else self.body.encode()

    def json(self) -> Any:
        """The body as JSON, no matter what it calls itself; `InvalidInput` when it is not."""
        try:
            return msgspec.json.decode(self.body_bytes)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput("body", f"is not JSON: {error}", "a JSON object") from error
        except RecursionError as error:
            raise InvalidInput("body", "is nested too deeply", "a JSON object") from error

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters; empty when not stated."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_http(event: Mapping[str, Any]) -> bool:
    """Whether an event comes from an HTTP API rather than from the state machine."""
    return "http" in event.get("requestContext", {})


def parse_event(event: Mapping[str, Any]) -> HttpEvent:
    """API Gateway leaves out what a request does not have; so may the event."""
    return msgspec.convert(event, HttpEvent)
