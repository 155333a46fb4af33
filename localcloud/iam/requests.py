"""What a request to this cloud asks for in IAM's terms, whichever service it is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.iam.batch import batch_calls
from localcloud.iam.call import Account, Call, NotModelledError
from localcloud.iam.ec2 import ec2_calls
from localcloud.iam.operations import operation_of
from localcloud.iam.s3 import s3_calls
from localcloud.iam.services import SERVICES, calls_of
from localcloud.identity.credential_scope import claimed_service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


# Operations of the deployer that are looked at: they give a role to a service, or assume one.
_TARGETS_WITH_ROLES = frozenset(
    ("AWSStepFunctions.CreateStateMachine", "AWSStepFunctions.UpdateStateMachine")
)
# Services whose operations are about several resources at once.
_OWN_MODULES = {"batch": batch_calls, "ec2": ec2_calls}
_FUNCTION_WITH_ROLE = re.compile(r"/2015-03-31/functions(/?|/[^/]+/configuration)")


def service_of(environ: WSGIEnvironment) -> str:
    """The service in the request's credential scope; S3, which alone serves strangers, without."""
    return claimed_service(environ) or "s3"


def concern_root(environ: WSGIEnvironment, service: str) -> bool:
    """Whether even the account's root user could be denied the request, by another's policy."""
    if service == "s3":
        # Root may always mend a policy by which it locked itself out:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
        return environ.get("QUERY_STRING", "").partition("=")[0] != "policy"
    if environ["REQUEST_METHOD"] not in ("POST", "PUT"):
        return False
    if service == "lambda":
        return _FUNCTION_WITH_ROLE.fullmatch(environ["PATH_INFO"]) is not None
    return service == "sts" or environ.get("HTTP_X_AMZ_TARGET") in _TARGETS_WITH_ROLES


def calls(environ: WSGIEnvironment, service: str, account: Account) -> list[Call]:
    """All that must be allowed for the request. Raises NotModelledError."""
    if service == "s3":
        return s3_calls(environ)
    if service == "apigateway":
        return [_of_api_gateway(environ, account)]
    if service in _OWN_MODULES:
        return _OWN_MODULES[service](operation_of(environ, service), account)
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
