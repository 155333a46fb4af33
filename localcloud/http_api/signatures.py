"""Signatures of requests to a deployed API: whose they are, or why the request is refused.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
The signature itself is verified as any other; here is what API Gateway wants beside that, and in
which words it refuses. What the caller may do is not decided here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud import identity
from localcloud.http_api.request import ApiRequest
from localcloud.identity import Authentication, Refused
from localcloud.identity.authentication import CLOCK_SKEW_S
from localcloud.identity.claims import Claim, UnusableClaimError, claim_of
from localcloud.identity.reasons import MISMATCH_MESSAGE, UNKNOWN_KEY_MESSAGE, Dialect
from localcloud.identity.request import ReceivedRequest

if TYPE_CHECKING:
    from localcloud.context import CloudContext

SERVICE = "execute-api"
ALLOWED_CLOCK_SKEW_S = CLOCK_SKEW_S

FORBIDDEN = "Forbidden"
UNKNOWN_TOKEN = UNKNOWN_KEY_MESSAGE
MISMATCH = MISMATCH_MESSAGE


class SignatureRefusedError(Exception):
    """The request is answered with 403 and this message."""


@dataclass(frozen=True)
class Caller:
    """Who signed a request, as `requestContext.authorizer.iam` tells it."""

    identity: identity.Caller
    user_id: str

    @property
    def access_key_id(self) -> str:
        return self.identity.access_key_id

    @property
    def account(self) -> str:
        return self.identity.account

    @property
    def user_arn(self) -> str:
        return self.identity.arn


class SignatureVerifier:
    """Checks the signatures of one cloud's callers."""

    def __init__(self, context: CloudContext) -> None:
        self._authentication = Authentication(context)

    def verify(self, request: ApiRequest) -> Caller:
        """Raises SignatureRefusedError with AWS's message, whatever is wrong with the signature."""
        received = ReceivedRequest(request.method, request.raw_path, request.query, request.header)
        claim = _claim(received)
        digest = hashlib.sha256(request.body).hexdigest()
        if request.header("x-amz-content-sha256") not in (None, digest):
            raise SignatureRefusedError(MISMATCH)
        try:
            key = self._authentication.verify(received, claim, digest, Dialect.REST_JSON)
        except Refused as refused:
            raise SignatureRefusedError(refused.message) from refused
        return Caller(key.caller, key.user_id)


def _claim(request: ReceivedRequest) -> Claim:
    try:
        claim = claim_of(request)
    except UnusableClaimError as error:
        raise SignatureRefusedError(FORBIDDEN) from error
    if claim is None or claim.expires_s is not None:
        raise SignatureRefusedError(FORBIDDEN)
    if claim.scope.service != SERVICE:
        raise SignatureRefusedError(f"Credential should be scoped to correct service: '{SERVICE}'.")
    return claim
