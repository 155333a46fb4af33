"""What a request to this cloud asks for in IAM's terms, whichever service it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.iam.call import Account, Call, NotModelledError
from localcloud.iam.operations import operation_of
from localcloud.iam.s3 import s3_calls
from localcloud.iam.services import SERVICES, calls_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def calls(environ: WSGIEnvironment, service: str, account: Account) -> list[Call]:
    """All that must be allowed for the request. Raises NotModelledError."""
    if service == "s3":
        return s3_calls(environ)
    if service == "apigateway":
        return [_of_api_gateway(environ, account)]
    if service not in SERVICES:
        raise NotModelledError(f"service {service}")
    return calls_of(service, operation_of(environ, SERVICES[service].model), account)


def _of_api_gateway(environ: WSGIEnvironment, account: Account) -> Call:
    """API Gateway's permissions are methods on paths.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
    """
    path = environ["PATH_INFO"].removeprefix("/v2")
    resource = f"arn:{account.partition}:apigateway:{account.region}::{path}"
    return Call(f"apigateway:{environ['REQUEST_METHOD']}", resource)
