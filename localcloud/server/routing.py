"""Which part of the embedded cloud answers a request: one WSGI application for one port.

CloudFormation, Batch, Lambda invocations and the deployed HTTP APIs are ours; moto answers the
rest. It decides by path and by the SigV4 credential scope, never by host name. Every request is
authenticated and authorised first, but for two kinds: deployed HTTP APIs do that by route, and
which program listens here is told to anyone.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.functions import INVOKE_PATH
from localcloud.identity import Authentication, Refused
from localcloud.identity.credential_scope import claimed_service
from localcloud.identity.gate import Gate, OpenGate
from localcloud.server.errors import internal_error, refused_request
from localcloud.services.provisioned_concurrency import PROVISIONED_CONCURRENCY_PATH
from localcloud.state_file import IDENTITY_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from localcloud.context import CloudContext

log = logging.getLogger(__name__)

HTTP_API_PREFIX = "/_http_api/"

# moto's own addresses, which show and reset its data, and stand for EC2's instance metadata.
_NOT_OF_AWS = ("/moto-api", "/latest/meta-data/", "/latest/api/", "/favicon.ico")


class _Services(DomainDispatcherApplication):
    """moto's services, each reached by requests that are signed for it; S3 by all others."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        # Stock, each request lists moto's folder and tries some 190 patterns on its host, on which
        # alone the answer depends. Bounded, because callers choose the host.
        self._backend_of_host = lru_cache(maxsize=256)(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        return self._backend_of_host(host)

    def get_application(self, environ: dict[str, Any]) -> Any:
        if environ["PATH_INFO"].startswith(_NOT_OF_AWS):
            return super().get_application({**environ, "PATH_INFO": "/"})
        return super().get_application(environ)

    def infer_service_region_host(self, environ: dict[str, Any], path: str) -> str | None:
        if "HTTP_AUTHORIZATION" not in environ:
            return None
        return super().infer_service_region_host(environ, path)


# Tables of moto's operations by service, which hold no data: made once for all clouds of a process.
_moto = _Services()


class CloudApplication:
    """Routes each request and turns whatever escapes a handler into an AWS-shaped error."""

    def __init__(
        self,
        context: CloudContext,
        *,
        cloudformation: WSGIApplication,
        batch: WSGIApplication,
        invoke: WSGIApplication,
        provisioned_concurrency: WSGIApplication,
        http_api: WSGIApplication,
        authentication: Authentication,
        gate: Gate | None = None,
    ) -> None:
        self._context = context
        self._cloudformation = cloudformation
        self._batch = batch
        self._invoke = invoke
        self._provisioned_concurrency = provisioned_concurrency
        self._http_api = http_api
        self._authentication = authentication
        self._gate = gate if gate is not None else OpenGate()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == IDENTITY_PATH:
            return self._identity(start_response)
        # moto takes the account from the access key, or 123456789012 for keys it did not issue.
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._context.account
        if path.startswith(HTTP_API_PREFIX):
            return self._answered(environ, start_response, "execute-api", self._http_api)
        return self._answered(environ, start_response, _service(environ), self._admitted)

    def _answered(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        service: str,
        application: WSGIApplication,
    ) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except Refused as refused:
            return refused_request(environ, start_response, service, refused)
        except Exception as error:
            log.exception(
                "%s %s (%s) failed", environ["REQUEST_METHOD"], environ["PATH_INFO"], service
            )
            return internal_error(environ, start_response, service, error)

    def _admitted(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        caller = self._authentication.caller(environ)
        environ["localcloud.caller"] = caller
        # Preflights are asked without credentials, and answered by the bucket's rules alone.
        if environ["REQUEST_METHOD"] != "OPTIONS":
            self._gate.check(caller, environ)
        return self._route(environ, start_response, _service(environ))

    def _route(
        self, environ: WSGIEnvironment, start_response: StartResponse, service: str
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if service == "cloudformation":
            return self._cloudformation(environ, start_response)
        if service == "batch":
            return self._batch(environ, start_response)
        if service == "lambda" and INVOKE_PATH.fullmatch(path):
            return self._invoke(environ, start_response)
        if service == "lambda" and PROVISIONED_CONCURRENCY_PATH.fullmatch(path):
            return self._provisioned_concurrency(environ, start_response)
        return _moto(environ, start_response)

    def _identity(self, start_response: StartResponse) -> Iterable[bytes]:
        """Tells a cloud from another program that happens to listen on its old port."""
        body = json.dumps({"endpoint": self._context.endpoint, "pid": os.getpid()})
        start_response(
            "200 OK",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body.encode()]


def _service(environ: WSGIEnvironment) -> str:
    """The service whose words the caller understands: that of its claim, S3 where there is none."""
    if (service := claimed_service(environ)) is not None:
        return service
    protocol_of_others = "HTTP_X_AMZ_TARGET" in environ or environ.get(
        "CONTENT_TYPE", ""
    ).startswith("application/x-www-form-urlencoded")
    return "unknown" if protocol_of_others else "s3"
