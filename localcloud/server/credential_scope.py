"""Reads who signed a request, and for which service, from its SigV4 header or query.

It trusts what it reads: it serves to route, not to verify (http_api/signatures.py does that).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class CredentialScope:
    """`<access key>/<yyyymmdd>/<region>/<service>/aws4_request`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    access_key_id: str
    date: str
    region: str
    service: str

    @classmethod
    def parse(cls, text: str) -> CredentialScope | None:
        parts = text.split("/")
        if len(parts) != 5 or parts[4] != "aws4_request":
            return None
        return cls(*parts[:4])


def credential_scope_of(environ: WSGIEnvironment) -> CredentialScope | None:
    """The scope a request claims to be signed for; None when it is unsigned or not SigV4."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if authorization.startswith(ALGORITHM):
        for part in authorization[len(ALGORITHM) :].split(","):
            name, _, value = part.strip().partition("=")
            if name == "Credential":
                return CredentialScope.parse(value)
        return None
    if "X-Amz-Credential" in environ.get("QUERY_STRING", ""):
        values = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Credential", [""])
        return CredentialScope.parse(values[0])
    return None
