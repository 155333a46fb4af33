"""Answers for requests that were refused or failed, in the shape the caller's protocol expects.

What failed inside the cloud is named in the message; a traceback never leaves the process.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from localcloud.identity import Refused

_XML_QUERY = (
    "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message>"
    "</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_XML_EC2 = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>{request_id}</RequestID></Response>"
)
_XML_S3 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
)


def internal_error(
    environ: WSGIEnvironment, start_response: StartResponse, service: str, error: Exception
) -> Iterable[bytes]:
    """An AWS-shaped 500, or 501 where the operation is one that nobody here implements."""
    status, code = (500, "InternalFailure")
    if isinstance(error, NotImplementedError):
        status, code = (501, "NotImplemented")
    elif service == "s3":
        code = "InternalError"
    message = f"{type(error).__name__}: {error}"
    return _answer(environ, start_response, service, status, code, message)


def refused_request(
    environ: WSGIEnvironment, start_response: StartResponse, service: str, refused: Refused
) -> Iterable[bytes]:
    """What `refused` says, as the called service would."""
    return _answer(environ, start_response, service, refused.status, refused.code, refused.message)


def _answer(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    service: str,
    status: int,
    code: str,
    message: str,
) -> Iterable[bytes]:
    request_id = str(uuid.uuid4())
    content_type, body = _body(environ, service, status, code, message, request_id)
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", code),
        ],
    )
    return [body]


def _body(
    environ: WSGIEnvironment, service: str, status: int, code: str, message: str, request_id: str
) -> tuple[str, bytes]:
    request_type = environ.get("CONTENT_TYPE", "")
    if service == "s3":
        template = _XML_S3
    elif service == "ec2":
        template = _XML_EC2
    elif request_type.startswith("application/x-www-form-urlencoded"):
        template = _XML_QUERY
    else:
        content_type = request_type if "amz-json" in request_type else "application/json"
        return content_type, json.dumps({"__type": code, "message": message}).encode()
    xml = template.format(
        fault="Sender" if status < 500 else "Receiver",
        code=code,
        message=escape(message),
        request_id=request_id,
    )
    return "text/xml", xml.encode()
