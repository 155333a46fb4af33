"""What a request says about its own signature, in its Authorization header or in its query.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
It reads and checks form; whether the claim is true is decided elsewhere.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs

from localcloud.identity.credential_scope import ALGORITHM, CredentialScope
from localcloud.identity.reasons import Reason
from localcloud.identity.request import ReceivedRequest

TIMESTAMP = "%Y%m%dT%H%M%SZ"
LONGEST_EXPIRY_S = 7 * 24 * 3600

_QUERY_FIELDS = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


class UnusableClaimError(Exception):
    """The request is signed in a way that cannot be verified."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Claim:
    """`expires_s` is the lifetime of a presigned address, None where a header signs."""

    scope: CredentialScope
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: datetime.datetime
    token: str | None
    expires_s: int | None = None

    @property
    def timestamp(self) -> str:
        return self.signed_at.strftime(TIMESTAMP)

    @property
    def authorization(self) -> str:
        """The claim as an Authorization header would put it."""
        return (
            f"{ALGORITHM} Credential={self.scope}, "
            f"SignedHeaders={';'.join(self.signed_headers)}, Signature={self.signature}"
        )


def claim_of(request: ReceivedRequest) -> Claim | None:
    """None for a request that is not signed at all. Raises UnusableClaimError."""
    authorization = request.header("authorization")
    query = parse_qs(request.query, keep_blank_values=True) if "=" in request.query else {}
    in_query = "X-Amz-Algorithm" in query or "X-Amz-Signature" in query
    if "AWSAccessKeyId" in query and "Signature" in query:
        # Signature version 2, which buckets made after June 2020 do not take:
        # https://aws.amazon.com/blogs/aws/amazon-s3-update-sigv2-deprecation-period-extended-modified/
        raise UnusableClaimError(Reason.UNSUPPORTED)
    if authorization is not None:
        if in_query:
            raise UnusableClaimError(Reason.SIGNED_TWICE)
        return _header_claim(request, authorization)
    return _query_claim(query) if in_query else None


def _header_claim(request: ReceivedRequest, authorization: str) -> Claim:
    algorithm, _, fields = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise UnusableClaimError(Reason.UNSUPPORTED)
    values = dict(part.strip().partition("=")[::2] for part in fields.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if name not in values]
    if missing:
        raise UnusableClaimError(Reason.MALFORMED, f"it has no {', '.join(missing)}")
    return Claim(
        scope=_scope(values["Credential"], Reason.MALFORMED),
        signed_headers=_names(values["SignedHeaders"], Reason.MALFORMED),
        signature=values["Signature"],
        signed_at=_header_date(request),
        token=request.header("x-amz-security-token"),
    )


def _query_claim(query: dict[str, list[str]]) -> Claim:
    values = {name: query.get(f"X-Amz-{name}", [""])[0] for name in _QUERY_FIELDS}
    if not all(values.values()):
        raise UnusableClaimError(
            Reason.MALFORMED_QUERY,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    if values["Algorithm"] != ALGORITHM:
        raise UnusableClaimError(Reason.MALFORMED_QUERY, f"X-Amz-Algorithm only takes {ALGORITHM}")
    expires = values["Expires"]
    if not expires.isdecimal() or not 1 <= int(expires) <= LONGEST_EXPIRY_S:
        raise UnusableClaimError(
            Reason.MALFORMED_QUERY,
            f"X-Amz-Expires: {expires!r}; allowed: 1 to {LONGEST_EXPIRY_S} seconds (a week)",
        )
    return Claim(
        scope=_scope(values["Credential"], Reason.MALFORMED_QUERY),
        signed_headers=_names(values["SignedHeaders"], Reason.MALFORMED_QUERY),
        signature=values["Signature"],
        signed_at=_iso_date(values["Date"]),
        token=query.get("X-Amz-Security-Token", [None])[0],
        expires_s=int(expires),
    )


def _scope(credential: str, malformed: Reason) -> CredentialScope:
    scope = CredentialScope.parse(credential)
    if scope is None:
        raise UnusableClaimError(
            malformed,
            "Credential; allowed: <access key>/<yyyymmdd>/<region>/<service>/aws4_request",
        )
    return scope


def _names(signed_headers: str, malformed: Reason) -> tuple[str, ...]:
    names = tuple(signed_headers.lower().split(";"))
    if "host" not in names:
        raise UnusableClaimError(malformed, "SignedHeaders; allowed: names with host among them")
    return names


def _header_date(request: ReceivedRequest) -> datetime.datetime:
    if (timestamp := request.header("x-amz-date")) is not None:
        return _iso_date(timestamp)
    try:
        # SDKs that cannot set Date use x-amz-date; the others may use either.
        date = parsedate_to_datetime(request.header("date") or "")
    except ValueError as error:
        raise UnusableClaimError(Reason.NO_DATE) from error
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def _iso_date(timestamp: str) -> datetime.datetime:
    try:
        date = datetime.datetime.strptime(timestamp, TIMESTAMP)
    except ValueError as error:
        raise UnusableClaimError(Reason.NO_DATE) from error
    return date.replace(tzinfo=datetime.UTC)
