"""Which part of the embedded cloud answers a request: one WSGI application for one port.

CloudFormation, Lambda invocations and the deployed HTTP APIs are ours; moto answers the rest.
It decides by path and by the SigV4 credential scope, never by host name.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.functions import INVOKE_PATH
from localcloud.server.credential_scope import credential_scope_of
from localcloud.server.errors import internal_error
from localcloud.services.provisioned_concurrency import PROVISIONED_CONCURRENCY_PATH
from localcloud.state_file import IDENTITY_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from localcloud.context import CloudContext

log = logging.getLogger(__name__)

HTTP_API_PREFIX = "/_http_api/"

# Tables of moto's operations by service, which hold no data: made once for all clouds of a process.
_moto = DomainDispatcherApplication(create_backend_app)


class CloudApplication:
    """Routes each request and turns whatever escapes a handler into an AWS-shaped error."""

    def __init__(
        self,
        context: CloudContext,
        *,
        cloudformation: WSGIApplication,
        invoke: WSGIApplication,
        provisioned_concurrency: WSGIApplication,
        http_api: WSGIApplication,
    ) -> None:
        self._context = context
        self._cloudformation = cloudformation
        self._invoke = invoke
        self._provisioned_concurrency = provisioned_concurrency
        self._http_api = http_api

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        scope = credential_scope_of(environ)
        service = scope.service if scope else "s3"
        # moto takes the account from the access key, or 123456789012 for keys it did not issue.
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._context.account
        try:
            return self._route(environ, start_response, service)
        except Exception as error:
            log.exception(
                "%s %s (%s) failed", environ["REQUEST_METHOD"], environ["PATH_INFO"], service
            )
            return internal_error(environ, start_response, service, error)

    def _route(
        self, environ: WSGIEnvironment, start_response: StartResponse, service: str
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(HTTP_API_PREFIX):
            return self._http_api(environ, start_response)
        if path == IDENTITY_PATH:
            return self._identity(start_response)
        if service == "cloudformation":
            return self._cloudformation(environ, start_response)
        if INVOKE_PATH.fullmatch(path):
            return self._invoke(environ, start_response)
        if PROVISIONED_CONCURRENCY_PATH.fullmatch(path):
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
