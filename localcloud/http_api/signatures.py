"""SigV4 signatures of requests to an API: recomputed over the request that arrived, then compared.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
It says who the caller is, or why the request is refused. What the caller may do is not its
business: every identity of the account may invoke every API here.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from localcloud.http_api.request import ApiRequest
from localcloud.identity.credential_scope import ALGORITHM, CredentialScope

if TYPE_CHECKING:
    from localcloud.context import CloudContext

SERVICE = "execute-api"
ALLOWED_CLOCK_SKEW_S = 300

FORBIDDEN = "Forbidden"
UNKNOWN_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a message
EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105 - a message
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


class SignatureRefusedError(Exception):
    """The request is answered with 403 and this message."""


@dataclass(frozen=True)
class Caller:
    """Who signed a request, as `requestContext.authorizer.iam` tells it."""

    access_key_id: str
    account: str
    user_arn: str
    user_id: str


@dataclass(frozen=True)
class _Key:
    caller: Caller
    secret: str
    token: str | None = None
    expires_at: datetime.datetime | None = None


@dataclass(frozen=True)
class _Claim:
    scope: CredentialScope
    signed_headers: tuple[str, ...]
    signature: str


class _ReceivedSigV4(SigV4Auth):
    """Canonicalises what was received: the headers that the client says it signed."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


class SignatureVerifier:
    """Checks the signatures of one cloud's callers."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    def verify(self, request: ApiRequest) -> Caller:
        """Raises SignatureRefusedError with AWS's message, whatever is wrong with the signature."""
        claim = _claim(request.header("authorization") or "")
        if claim is None:
            raise SignatureRefusedError(FORBIDDEN)
        key = self._key(claim.scope.access_key_id)
        if key is None or request.header("x-amz-security-token") != key.token:
            raise SignatureRefusedError(UNKNOWN_TOKEN)
        if key.expires_at is not None and key.expires_at < datetime.datetime.now(datetime.UTC):
            raise SignatureRefusedError(EXPIRED_TOKEN)
        timestamp = self._check_scope_and_date(request, claim)
        expected = _signature(request, claim, key, timestamp)
        if not hmac.compare_digest(expected, claim.signature):
            raise SignatureRefusedError(MISMATCH)
        return key.caller

    def _check_scope_and_date(self, request: ApiRequest, claim: _Claim) -> str:
        scope = claim.scope
        if scope.service != SERVICE:
            raise SignatureRefusedError(
                f"Credential should be scoped to correct service: '{SERVICE}'."
            )
        if scope.region != self._context.region:
            raise SignatureRefusedError("Credential should be scoped to a valid region.")
        timestamp = request.header("x-amz-date") or ""
        try:
            signed_at = datetime.datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ")
        except ValueError as error:
            raise SignatureRefusedError(FORBIDDEN) from error
        if not timestamp.startswith(scope.date):
            raise SignatureRefusedError(MISMATCH)
        now = datetime.datetime.now(datetime.UTC)
        skew_s = (now - signed_at.replace(tzinfo=datetime.UTC)).total_seconds()
        if abs(skew_s) > ALLOWED_CLOCK_SKEW_S:
            word = "expired" if skew_s > 0 else "not yet current"
            raise SignatureRefusedError(
                f"Signature {word}: {timestamp} is more than 5 minutes from {now:%Y%m%dT%H%M%SZ}"
            )
        return timestamp

    def _key(self, access_key_id: str) -> _Key | None:
        account = self._context.account
        if access_key_id == self._context.access_key_id:
            arn = f"arn:aws:iam::{account}:user/deployer"
            caller = Caller(access_key_id, account, arn, access_key_id)
            return _Key(caller, self._context.secret_access_key)
        for role in sts_backends[account]["aws"].assumed_roles:
            if role.access_key_id == access_key_id:
                caller = Caller(access_key_id, account, role.arn, role.user_id)
                expires_at = role.expiration.replace(tzinfo=datetime.UTC)
                return _Key(caller, role.secret_access_key, role.session_token, expires_at)
        return self._user_key(access_key_id)

    def _user_key(self, access_key_id: str) -> _Key | None:
        iam: Any = iam_backends[self._context.account]["aws"]
        for user in list(iam.users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key_id and key.status == "Active":
                    caller = Caller(access_key_id, self._context.account, user.arn, user.id)
                    return _Key(caller, key.secret_access_key)
        return None


def _claim(authorization: str) -> _Claim | None:
    algorithm, _, fields = authorization.partition(" ")
    values = dict(part.strip().partition("=")[::2] for part in fields.split(","))
    scope = CredentialScope.parse(values.get("Credential", ""))
    signed_headers = tuple(values.get("SignedHeaders", "").split(";"))
    if algorithm != ALGORITHM or scope is None or "host" not in signed_headers:
        return None
    return _Claim(scope, signed_headers, values.get("Signature", ""))


def _signature(request: ApiRequest, claim: _Claim, key: _Key, timestamp: str) -> str:
    digest = hashlib.sha256(request.body).hexdigest()
    announced = request.header("x-amz-content-sha256")
    if announced is not None and announced != digest:
        raise SignatureRefusedError(MISMATCH)
    received = AWSRequest(
        method=request.method,
        url=f"http://{request.host}{request.raw_path}?{request.query}",
        data=request.body,
    )
    for name in claim.signed_headers:
        value = request.header(name)
        if value is None:
            raise SignatureRefusedError(MISMATCH)
        received.headers[name] = value
    received.context["timestamp"] = timestamp
    credentials = Credentials(claim.scope.access_key_id, key.secret)
    auth = _ReceivedSigV4(credentials, claim.scope.service, claim.scope.region)
    string_to_sign = auth.string_to_sign(received, auth.canonical_request(received))
    return str(auth.signature(string_to_sign, received))
