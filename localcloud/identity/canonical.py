"""The signature that a request should have: botocore's signers, run over what was received.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
A server sees the request after the client's HTTP library: path and query are decoded and encoded
again by AWS's rule before they are compared, as AWS does.
"""

from __future__ import annotations

import functools
import hmac
import re
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders

from localcloud.identity.claims import Claim
from localcloud.identity.request import ReceivedRequest

_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9/_.~-]|%[0-9A-F]{2})*")
_PLAIN_QUERY = re.compile(r"(?:[A-Za-z0-9_.~&=-]|%[0-9A-F]{2})*")
_SIGNATURE_PARAMETER = "X-Amz-Signature="


class MissingSignedHeaderError(Exception):
    """A header that the client says it signed did not arrive."""


def expected_signature(
    request: ReceivedRequest, claim: Claim, secret: str, payload_hash: str
) -> str:
    """Hexadecimal signature of `request` by `secret`, for the headers that `claim` names.

    `payload_hash` is the last line of the canonical request. Raises MissingSignedHeaderError.
    """
    query = request.query
    if claim.expires_s is not None:
        query = "&".join(
            pair for pair in query.split("&") if not pair.startswith(_SIGNATURE_PARAMETER)
        )
    received = AWSRequest(
        method=request.method,
        url=f"http://host{_encoded_path(request.raw_path)}?{_encoded_query(query)}",
    )
    for name in claim.signed_headers:
        value = request.header(name)
        if value is None:
            raise MissingSignedHeaderError(name)
        received.headers[name] = value
    received.context["timestamp"] = claim.timestamp
    received.context["payload_hash"] = payload_hash
    scope = claim.scope
    signer = (_ReceivedS3SigV4 if scope.service == "s3" else _ReceivedSigV4)(
        None, scope.service, scope.region
    )
    signer.signing_key = signing_key(secret, scope.date, scope.region, scope.service)
    string_to_sign = signer.string_to_sign(received, signer.canonical_request(received))
    return str(signer.signature(string_to_sign, received))


class _Received:
    """What differs from signing: headers and payload hash are given, the derived key is kept."""

    signing_key: bytes

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers

    def payload(self, request: AWSRequest) -> str:
        return str(request.context["payload_hash"])

    def signature(self, string_to_sign: str, request: AWSRequest) -> str:
        return hmac.digest(self.signing_key, string_to_sign.encode(), "sha256").hex()


class _ReceivedSigV4(_Received, SigV4Auth):
    """Every service but S3: the encoded path is encoded once more."""


class _ReceivedS3SigV4(_Received, S3SigV4Auth):
    """S3: the path is encoded once, and its dots and slashes stand for themselves."""


@functools.lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key derived for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _encoded_path(path: str) -> str:
    if _PLAIN_PATH.fullmatch(path):
        return path
    return "/".join(_encoded(segment) for segment in path.split("/"))


def _encoded_query(query: str) -> str:
    if _PLAIN_QUERY.fullmatch(query):
        return query
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")
