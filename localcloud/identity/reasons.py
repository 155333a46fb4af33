"""Why a request's signature is refused, and what each family of services answers then.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html (query)
https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html (REST-JSON)
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html (JSON)
"""

from __future__ import annotations

from enum import Enum, auto

from localcloud.identity.errors import Refused

MISMATCH_MESSAGE = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
UNKNOWN_KEY_MESSAGE = "The security token included in the request is invalid."


class Reason(Enum):
    """What is wrong with the signature of a request."""

    UNSIGNED = auto()
    UNSUPPORTED = auto()
    MALFORMED = auto()
    MALFORMED_QUERY = auto()
    SIGNED_TWICE = auto()
    UNKNOWN_KEY = auto()
    WRONG_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    WRONG_SERVICE = auto()
    WRONG_REGION = auto()
    NO_DATE = auto()
    WRONG_SCOPE_DATE = auto()
    SKEWED = auto()
    NOT_YET_VALID = auto()
    URL_EXPIRED = auto()
    HEADER_NOT_SIGNED = auto()
    MISMATCH = auto()
    NO_PAYLOAD_HASH = auto()
    PAYLOAD_MISMATCH = auto()


class Dialect(Enum):
    """Families of services with codes and status of their own."""

    S3 = "s3"
    QUERY = "query"
    JSON = "json"
    REST_JSON = "rest-json"


# `{detail}` stands for what only the request tells.
_MESSAGES: dict[Reason, str] = {
    Reason.UNSIGNED: "Request is missing Authentication Token",
    Reason.UNSUPPORTED: (
        "The authorization mechanism you have provided is not supported. "
        "Please use AWS4-HMAC-SHA256."
    ),
    Reason.MALFORMED: "The authorization header that you provided is not valid: {detail}",
    Reason.MALFORMED_QUERY: "{detail}",
    Reason.SIGNED_TWICE: (
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
        "query string parameter or the Authorization header should be specified"
    ),
    Reason.UNKNOWN_KEY: UNKNOWN_KEY_MESSAGE,
    Reason.WRONG_TOKEN: UNKNOWN_KEY_MESSAGE,
    Reason.EXPIRED_TOKEN: "The security token included in the request is expired",
    Reason.WRONG_SERVICE: "Credential should be scoped to correct service: '{detail}'.",
    Reason.WRONG_REGION: "Credential should be scoped to a valid region.",
    Reason.NO_DATE: "AWS authentication requires a valid Date or x-amz-date header",
    Reason.WRONG_SCOPE_DATE: "Date in Credential scope does not match that of the signature",
    Reason.SKEWED: "Signature {detail}",
    Reason.NOT_YET_VALID: "Request is not yet valid",
    Reason.URL_EXPIRED: "Request has expired",
    Reason.HEADER_NOT_SIGNED: "There were headers present in the request which were not signed",
    Reason.MISMATCH: MISMATCH_MESSAGE,
    Reason.NO_PAYLOAD_HASH: "Missing required header for this request: x-amz-content-sha256",
    Reason.PAYLOAD_MISMATCH: (
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    ),
}

_S3: dict[Reason, tuple[str, int]] = {
    Reason.UNSIGNED: ("AccessDenied", 403),
    Reason.UNSUPPORTED: ("InvalidRequest", 400),
    Reason.MALFORMED: ("AuthorizationHeaderMalformed", 400),
    Reason.MALFORMED_QUERY: ("AuthorizationQueryParametersError", 400),
    Reason.SIGNED_TWICE: ("InvalidArgument", 400),
    Reason.UNKNOWN_KEY: ("InvalidAccessKeyId", 403),
    Reason.WRONG_TOKEN: ("InvalidToken", 400),
    Reason.EXPIRED_TOKEN: ("ExpiredToken", 400),
    Reason.WRONG_SERVICE: ("AuthorizationHeaderMalformed", 400),
    Reason.WRONG_REGION: ("AuthorizationHeaderMalformed", 400),
    Reason.NO_DATE: ("AccessDenied", 403),
    Reason.WRONG_SCOPE_DATE: ("AuthorizationHeaderMalformed", 400),
    Reason.SKEWED: ("RequestTimeTooSkewed", 403),
    Reason.NOT_YET_VALID: ("AccessDenied", 403),
    Reason.URL_EXPIRED: ("AccessDenied", 403),
    Reason.HEADER_NOT_SIGNED: ("AccessDenied", 403),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403),
    Reason.NO_PAYLOAD_HASH: ("InvalidRequest", 400),
    Reason.PAYLOAD_MISMATCH: ("XAmzContentSHA256Mismatch", 400),
}
_S3_MESSAGES: dict[Reason, str] = {
    Reason.UNSIGNED: "Access Denied",
    Reason.UNKNOWN_KEY: "The AWS Access Key Id you provided does not exist in our records.",
    Reason.WRONG_TOKEN: "The provided token is malformed or otherwise invalid.",
    Reason.EXPIRED_TOKEN: "The provided token has expired.",
    Reason.WRONG_SERVICE: "The authorization header is malformed; incorrect service. "
    "This endpoint belongs to '{detail}'.",
    Reason.WRONG_REGION: "The authorization header is malformed; the region is wrong; "
    "expecting '{detail}'",
    Reason.SKEWED: "The difference between the request time and the server's time is too large.",
}

_INCOMPLETE = frozenset(
    {
        Reason.UNSUPPORTED,
        Reason.MALFORMED,
        Reason.MALFORMED_QUERY,
        Reason.SIGNED_TWICE,
        Reason.NO_DATE,
    }
)


def refusal(reason: Reason, dialect: Dialect, detail: str = "") -> Refused:
    """`reason` in the words of one family; `detail` fills the message's place for it."""
    if dialect is Dialect.S3:
        code, status = _S3[reason]
        message = _S3_MESSAGES.get(reason, _MESSAGES[reason])
        return Refused(code, message.format(detail=detail), status)
    # The JSON protocol answers 400 to everything, the query protocol where a part is missing.
    incomplete_query = dialect is Dialect.QUERY and reason in _INCOMPLETE
    status = 400 if dialect is Dialect.JSON or incomplete_query else 403
    return Refused(_code(reason, dialect), _MESSAGES[reason].format(detail=detail), status)


def _code(reason: Reason, dialect: Dialect) -> str:
    query = dialect is Dialect.QUERY
    if reason is Reason.UNSIGNED:
        return "MissingAuthenticationToken" if query else "MissingAuthenticationTokenException"
    if reason in (Reason.UNKNOWN_KEY, Reason.WRONG_TOKEN):
        return "InvalidClientTokenId" if query else "UnrecognizedClientException"
    if reason is Reason.EXPIRED_TOKEN:
        return "ExpiredToken" if query else "ExpiredTokenException"
    if reason in _INCOMPLETE:
        json = dialect is Dialect.JSON
        return "IncompleteSignatureException" if json else "IncompleteSignature"
    return "SignatureDoesNotMatch" if query else "InvalidSignatureException"
