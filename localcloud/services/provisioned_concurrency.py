"""Lambda's API of provisioned concurrency, which moto does not have.

Keeps what was asked for per function and qualifier, checks with moto that both exist, and tells
the function service, which keeps the environments. Refused: $LATEST, a count below 1.

https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends
from werkzeug import Request, Response

from localcloud.context import CloudContext
from localcloud.functions.errors import ServiceError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PROVISIONED_CONCURRENCY_PATH = re.compile(
    r"/2019-09-30/functions/(?P<function>[^/]+)/provisioned-concurrency"
)
# Function name, qualifier, count; 0 ends it.
Provision = Callable[[str, str, int], None]


_REQUESTED = "RequestedProvisionedConcurrentExecutions"


class CapacityError(Exception):
    """Provisioned concurrency that cannot be had; the text says why."""


class _Refusal(Exception):  # noqa: N818 - the answer to a request
    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ProvisionedConcurrency:
    """The four operations on provisioned concurrency, as a WSGI application."""

    def __init__(self, context: CloudContext, provision: Provision) -> None:
        self._context = context
        self._provision = provision
        self._lock = threading.Lock()
        self._configs: dict[tuple[str, str], dict[str, Any]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request to PROVISIONED_CONCURRENCY_PATH."""
        request = Request(environ)
        try:
            status, body = self._answer(request)
            headers = {}
        except _Refusal as refusal:
            status, body = refusal.status, {"Type": "User", "message": str(refusal)}
            headers = {"x-amzn-ErrorType": refusal.code}
        text = "" if body is None else json.dumps(body)
        response = Response(text, status.value, headers, content_type="application/json")
        return response(environ, start_response)

    def capacity(self, name: str, qualifier: str) -> int:
        """What is asked for, or 0. Raises CapacityError where there is no such alias or version."""
        try:
            self._check_exists(name, qualifier)
        except _Refusal as refusal:
            raise CapacityError(str(refusal)) from refusal
        config = self._configs.get((name, qualifier))
        return int(config[_REQUESTED]) if config else 0

    def set_capacity(self, name: str, qualifier: str, count: int) -> None:
        """Ask for `count`; 0 takes the configuration away. Raises CapacityError."""
        try:
            self._check_exists(name, qualifier)
            if count:
                self._keep(name, qualifier, count)
            else:
                self._forget(name, qualifier)
        except (_Refusal, ServiceError) as error:
            raise CapacityError(str(error)) from error

    def _answer(self, request: Request) -> tuple[HTTPStatus, dict[str, Any] | None]:
        path = PROVISIONED_CONCURRENCY_PATH.fullmatch(request.path)
        if path is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", request.path)
        name = path["function"].rsplit(":function:", 1)[-1].split(":")[0]
        if request.method == "GET" and request.args.get("List") == "ALL":
            return HTTPStatus.OK, {"ProvisionedConcurrencyConfigs": self._list(name)}
        qualifier = request.args.get("Qualifier", "")
        self._check_exists(name, qualifier)
        if request.method == "PUT":
            return HTTPStatus.ACCEPTED, self._put(name, qualifier, request.get_data())
        config = self._configs.get((name, qualifier))
        if config is None:
            raise _Refusal(
                HTTPStatus.NOT_FOUND,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        if request.method == "DELETE":
            self._forget(name, qualifier)
            return HTTPStatus.NO_CONTENT, None
        return HTTPStatus.OK, config

    def _check_exists(self, name: str, qualifier: str) -> None:
        if not qualifier or qualifier == "$LATEST":
            raise _Refusal(
                HTTPStatus.BAD_REQUEST,
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to unpublished function "
                "versions: Qualifier must be a version or an alias",
            )
        try:
            lambda_backends[self._context.account][self._context.region].get_function(
                name, qualifier
            )
        except UnknownFunctionException as error:
            raise _Refusal(
                HTTPStatus.NOT_FOUND,
                "ResourceNotFoundException",
                f"Function not found: {name}:{qualifier}",
            ) from error

    def _put(self, name: str, qualifier: str, body: bytes) -> dict[str, Any]:
        try:
            count = json.loads(body)["ProvisionedConcurrentExecutions"]
        except (ValueError, KeyError, TypeError):
            count = None
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise _Refusal(
                HTTPStatus.BAD_REQUEST,
                "InvalidParameterValueException",
                "ProvisionedConcurrentExecutions must be an integer of at least 1",
            )
        return self._keep(name, qualifier, count)

    def _forget(self, name: str, qualifier: str) -> None:
        with self._lock:
            self._configs.pop((name, qualifier), None)
        self._provision(name, qualifier, 0)

    def _keep(self, name: str, qualifier: str, count: int) -> dict[str, Any]:
        self._provision(name, qualifier, count)
        config = {
            _REQUESTED: count,
            "AvailableProvisionedConcurrentExecutions": count,
            "AllocatedProvisionedConcurrentExecutions": count,
            "Status": "READY",
            "LastModified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }
        with self._lock:
            self._configs[name, qualifier] = config
        return config

    def _list(self, name: str) -> list[dict[str, Any]]:
        where = f"{self._context.region}:{self._context.account}"
        with self._lock:
            configs = dict(self._configs)
        return [
            {"FunctionArn": f"arn:aws:lambda:{where}:function:{name}:{qualifier}", **config}
            for (function, qualifier), config in configs.items()
            if function == name
        ]
