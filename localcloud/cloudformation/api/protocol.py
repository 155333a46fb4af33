"""The wire format: AWS's query protocol, read and written by moto's parsers from botocore's model.

A refused call answers with CloudFormation's error code and status; only a programming error here
would be an HTTP 500.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from moto.core.model import OperationModel
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model
from werkzeug import Request, Response

from localcloud.cloudformation.errors import CloudFormationError, validation_error

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handle = Callable[[str, dict[str, Any]], Mapping[str, Any]]


class QueryProtocol:
    """A WSGI application around `handle(action, parameters)`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._service = get_service_model("cloudformation")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        action = request.values.get("Action", "")
        operation = OperationModel({}, self._service)
        try:
            operation = self._operation(action)
            result: Any = self._handle(action, self._parameters(operation, request))
        except CloudFormationError as error:
            result = error
        context = SerializationContext(request_id=str(uuid.uuid4()))
        answer = QuerySerializer(operation, context).serialize(result)
        response = Response(answer["body"], answer["status_code"], dict(answer["headers"]))
        response.content_type = "text/xml; charset=utf-8"
        return response(environ, start_response)

    def _operation(self, action: str) -> OperationModel:
        if action not in self._service.operation_names:
            raise validation_error(f"Could not find operation {action!r} of CloudFormation")
        return self._service.operation_model(action)

    def _parameters(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        try:
            parsed = QueryParser(operation).parse(
                {
                    "body": b"",
                    "headers": request.headers,
                    "method": request.method,
                    "url_params": {},
                    "url_path": request.path,
                    "values": request.values,
                }
            )
        except ValueError as error:
            raise validation_error(f"Malformed parameter: {error}") from error
        missing = sorted(set(shape.required_members if shape else ()) - set(parsed))
        if missing:
            raise validation_error(
                f"{len(missing)} validation error detected: Value null at "
                f"'{missing[0][:1].lower() + missing[0][1:]}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return parsed
