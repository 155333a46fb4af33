"""What an API answers: a function's result by the rules of payload format 2.0, and its own errors.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

_DEFAULT_TYPE = "text/plain;charset=UTF-8"


class MalformedAnswerError(Exception):
    """The function answered something that is no HTTP response."""


@dataclass(frozen=True)
class ApiAnswer:
    """An HTTP response; for the access log, the gateway's `error` and that of the integration."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    error: str | None = None
    integration_error: str | None = None


def api_error(status: int, message: str, *, integration_error: str | None = None) -> ApiAnswer:
    """An answer of API Gateway itself: `{"message": ...}`."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    headers = [("content-type", "application/json")]
    return ApiAnswer(status, body, headers, message, integration_error)


def answer_of(payload: bytes) -> ApiAnswer:
    """The HTTP response that a function's payload stands for.

    Raises MalformedAnswerError, for which API Gateway answers 500.
    """
    try:
        result = json.loads(payload)
    except ValueError as error:
        raise MalformedAnswerError(f"the function's answer is not JSON: {error}") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else payload.decode("utf-8")
        return ApiAnswer(200, text.encode(), [("content-type", "application/json")])
    return ApiAnswer(_status(result["statusCode"]), _body(result), _headers(result))


def _status(value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or not 100 <= int(value) <= 599:
        raise MalformedAnswerError(f"statusCode {value!r} is no HTTP status")
    return int(value)


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswerError(f"body is {type(body).__name__}; allowed: a string")
    if not result.get("isBase64Encoded", False):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedAnswerError(f"body is not base64: {error}") from error


def _headers(result: dict[str, Any]) -> list[tuple[str, str]]:
    given = result.get("headers") or {}
    cookies = result.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise MalformedAnswerError("headers must be an object and cookies a list")
    headers = [(str(name).lower(), _header_value(value)) for name, value in given.items()]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", _DEFAULT_TYPE))
    return headers + [("set-cookie", _header_value(cookie)) for cookie in cookies]


def _header_value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise MalformedAnswerError("a header value holds a line break")
    return text
