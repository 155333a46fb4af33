"""Lambda's Invoke over HTTP, with AWS's headers and error bodies.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, unquote

from localcloud.functions.errors import (
    InvalidParameterValueError,
    ServiceError,
)
from localcloud.functions.invocation import REQUEST_RESPONSE, InvokeResult

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

INVOKE_PATH = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations")


class _Invoke(Protocol):
    """Invoke a function as Lambda's API says; raises ServiceError where Lambda refuses."""

    def __call__(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        invocation_type: str,
        log_tail: bool,
        client_context: str | None,
    ) -> InvokeResult: ...


def invoke_over_http(
    invoke: _Invoke, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Serve one POST to INVOKE_PATH by `invoke`."""
    try:
        result = _result(invoke, environ)
    except ServiceError as error:
        headers = [
            ("Content-Type", "application/json"),
            ("x-amzn-ErrorType", error.code),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(_status_line(error.status), headers)
        return [json.dumps(error.body).encode()]
    start_response(_status_line(result.status_code), _headers(result))
    return [result.payload]


def _result(invoke: _Invoke, environ: WSGIEnvironment) -> InvokeResult:
    path = INVOKE_PATH.fullmatch(environ["PATH_INFO"])
    if path is None:
        raise InvalidParameterValueError(f"{environ['PATH_INFO']}: not the path of an invocation")
    query = parse_qs(environ.get("QUERY_STRING", ""))
    return invoke(
        unquote(path["function"]),
        query["Qualifier"][0] if "Qualifier" in query else None,
        _body(environ),
        invocation_type=environ.get("HTTP_X_AMZ_INVOCATION_TYPE", REQUEST_RESPONSE),
        log_tail=environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail",
        client_context=_client_context(environ.get("HTTP_X_AMZ_CLIENT_CONTEXT")),
    )


def _body(environ: WSGIEnvironment) -> bytes:
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _client_context(header: str | None) -> str | None:
    if not header:
        return None
    try:
        text = base64.b64decode(header, validate=True).decode()
        json.loads(text)
    except ValueError as error:
        raise InvalidParameterValueError(
            f"ClientContext: {error}; allowed: JSON text in base64"
        ) from error
    return text


def _headers(result: InvokeResult) -> list[tuple[str, str]]:
    headers = [
        ("x-amzn-RequestId", result.request_id),
        ("X-Amz-Executed-Version", result.executed_version),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(result.payload))),
    ]
    if result.function_error:
        headers.append(("X-Amz-Function-Error", result.function_error))
    if result.log_result is not None:
        headers.append(("X-Amz-Log-Result", base64.b64encode(result.log_result).decode()))
    return headers


def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
