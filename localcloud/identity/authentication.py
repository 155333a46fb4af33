"""Verifies who makes a request: its signature, its keys, its time, and the body that was signed.

It says who the caller is or refuses the request; what the caller may do is not its business.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import io
from typing import TYPE_CHECKING, Any

from localcloud.identity.aws_chunked import ENCODINGS
from localcloud.identity.caller import Caller, Kind
from localcloud.identity.canonical import MissingSignedHeaderError, expected_signature
from localcloud.identity.claims import TIMESTAMP, Claim, UnusableClaimError, claim_of
from localcloud.identity.credential_scope import claimed_service
from localcloud.identity.errors import Refused
from localcloud.identity.keys import Key, KeyRing
from localcloud.identity.reasons import Dialect, Reason, refusal
from localcloud.identity.request import ReceivedRequest
from localcloud.identity.s3_bodies import UNSIGNED_PAYLOAD, check_s3_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localcloud.context import CloudContext

# S3 allows 15 minutes, every other service 5:
# https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
S3_CLOCK_SKEW_S = 15 * 60
CLOCK_SKEW_S = 5 * 60

# More than any service but S3 takes in one request.
BODY_LIMIT_BYTES = 128 * 1024 * 1024

# One endpoint for all regions, which is signed for as us-east-1.
_GLOBAL_SERVICES = frozenset({"budgets", "iam", "sts"})


class Authentication:
    """Verifies the requests to one cloud."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context
        self._keys = KeyRing(context)

    def caller(self, environ: WSGIEnvironment) -> Caller:
        """Who makes the request; raises Refused. Leaves a body that is still to be read.

        The Authorization header says what was verified, and nothing else, from then on: everybody
        after this reads the service from it, each in its own way. A presigned request gets one too.
        """
        request = ReceivedRequest.of(environ)
        dialect = _dialect(environ, claimed_service(environ))
        if request.method == "OPTIONS":
            # A browser asks S3 before it sends what was signed. No other service is asked so, and
            # none may take an unverified claim for a signature.
            environ.pop("HTTP_AUTHORIZATION", None)
            if environ["PATH_INFO"] == "/":
                raise refusal(Reason.UNSIGNED, Dialect.S3)
            return self._anonymous(environ, Dialect.S3)
        try:
            claim = claim_of(request)
        except UnusableClaimError as error:
            raise refusal(error.reason, dialect, error.detail) from error
        if claim is None:
            return self._anonymous(environ, dialect)
        dialect = _dialect(environ, claim.scope.service)
        if dialect is Dialect.S3:
            _check_amz_headers_signed(environ, claim)
            payload_hash = _announced_payload(request, claim)
        else:
            payload_hash = _hash_of_whole_body(environ)
            _check_announced(request, payload_hash, dialect)
        key = self.verify(request, claim, payload_hash, dialect)
        if dialect is Dialect.S3:
            check_s3_body(environ, request, claim, key.secret, payload_hash)
        environ["HTTP_AUTHORIZATION"] = claim.authorization
        return key.caller

    def verify(
        self, request: ReceivedRequest, claim: Claim, payload_hash: str, dialect: Dialect
    ) -> Key:
        """The key that signed `request` as `claim` says. Raises Refused in `dialect`.

        `payload_hash` is what the signature is to cover in the body's place.
        """
        key = self._known_key(claim, dialect)
        self._check_scope(claim, dialect)
        _check_time(claim, dialect)
        try:
            expected = expected_signature(request, claim, key.secret, payload_hash)
        except MissingSignedHeaderError as error:
            raise refusal(Reason.MISMATCH, dialect) from error
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise refusal(Reason.MISMATCH, dialect)
        return key

    def _known_key(self, claim: Claim, dialect: Dialect) -> Key:
        key = self._keys.find(claim.scope.access_key_id)
        # A temporary key is nobody's without its token.
        if key is None or (key.token is not None and claim.token is None):
            raise refusal(Reason.UNKNOWN_KEY, dialect)
        if claim.token != key.token:
            raise refusal(Reason.WRONG_TOKEN, dialect)
        if key.expires_at is not None and key.expires_at <= datetime.datetime.now(datetime.UTC):
            raise refusal(Reason.EXPIRED_TOKEN, dialect)
        return key

    def _check_scope(self, claim: Claim, dialect: Dialect) -> None:
        scope = claim.scope
        region = self._context.region
        global_region = scope.service in _GLOBAL_SERVICES and scope.region == "us-east-1"
        if scope.region != region and not global_region:
            raise refusal(Reason.WRONG_REGION, dialect, region)
        if scope.date != claim.timestamp[:8]:
            raise refusal(Reason.WRONG_SCOPE_DATE, dialect)

    def _anonymous(self, environ: WSGIEnvironment, dialect: Dialect) -> Caller:
        # No other service has anything to say to strangers.
        if dialect is not Dialect.S3:
            raise refusal(Reason.UNSIGNED, dialect)
        return Caller(Kind.ANONYMOUS, self._context.account, "", "")


def _dialect(environ: WSGIEnvironment, service: str | None) -> Dialect:
    if service == "s3":
        return Dialect.S3
    content_type = environ.get("CONTENT_TYPE", "")
    if "HTTP_X_AMZ_TARGET" in environ or content_type.startswith("application/x-amz-json"):
        return Dialect.JSON
    form = content_type.startswith("application/x-www-form-urlencoded")
    if service is None:
        # Strangers may put a form into a bucket, but not post one to a service.
        return Dialect.QUERY if form and environ["REQUEST_METHOD"] == "POST" else Dialect.S3
    return Dialect.QUERY if form else Dialect.REST_JSON


def _check_amz_headers_signed(environ: WSGIEnvironment, claim: Claim) -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: all of them
    signed = {f"HTTP_{name.upper().replace('-', '_')}" for name in claim.signed_headers}
    for name in environ:
        if name.startswith("HTTP_X_AMZ_") and name not in signed:
            raise refusal(Reason.HEADER_NOT_SIGNED, Dialect.S3)


def _announced_payload(request: ReceivedRequest, claim: Claim) -> str:
    announced = request.header("x-amz-content-sha256")
    if announced is None:
        if claim.expires_s is None:
            raise refusal(Reason.NO_PAYLOAD_HASH, Dialect.S3)
        return UNSIGNED_PAYLOAD
    is_hash = len(announced) == 64
    if not is_hash and announced != UNSIGNED_PAYLOAD and announced not in ENCODINGS:
        raise Refused(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
            f"{', '.join(ENCODINGS)}, or a valid sha256 value.",
            400,
        )
    return announced


def _hash_of_whole_body(environ: WSGIEnvironment) -> str:
    """Reads the body, which the services read at once anyway, and puts it back."""
    stream: Any = environ["wsgi.input"]
    body = b""
    if environ.get("CONTENT_LENGTH") or environ.get("wsgi.input_terminated"):
        if int(environ.get("CONTENT_LENGTH") or 0) <= BODY_LIMIT_BYTES:
            body = stream.read(BODY_LIMIT_BYTES + 1)
        if len(body) > BODY_LIMIT_BYTES or int(environ.get("CONTENT_LENGTH") or 0) > len(body):
            raise Refused("RequestEntityTooLargeException", "The request is too large.", 413)
    environ["wsgi.input"] = io.BytesIO(body)
    return hashlib.sha256(body).hexdigest()


def _check_announced(request: ReceivedRequest, payload_hash: str, dialect: Dialect) -> None:
    announced = request.header("x-amz-content-sha256")
    if announced is not None and announced != payload_hash:
        raise refusal(Reason.MISMATCH, dialect)


def _check_time(claim: Claim, dialect: Dialect) -> None:
    now = datetime.datetime.now(datetime.UTC)
    age_s = (now - claim.signed_at).total_seconds()
    allowed_s = S3_CLOCK_SKEW_S if dialect is Dialect.S3 else CLOCK_SKEW_S
    if claim.expires_s is not None:
        if age_s > claim.expires_s:
            raise refusal(Reason.URL_EXPIRED, dialect)
        if age_s < -allowed_s:
            raise refusal(Reason.NOT_YET_VALID, dialect)
    elif abs(age_s) > allowed_s:
        word = "expired" if age_s > 0 else "not yet current"
        raise refusal(
            Reason.SKEWED,
            dialect,
            f"{word}: {claim.timestamp} is more than {allowed_s // 60} minutes from "
            f"{now.strftime(TIMESTAMP)}",
        )
