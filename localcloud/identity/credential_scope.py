"""The SigV4 credential scope: which key signed, on which day, for which region and service.

It trusts what it reads: it serves to route and to look up keys, not to verify.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def __str__(self) -> str:
        return f"{self.access_key_id}/{self.date}/{self.region}/{self.service}/aws4_request"


def claimed_service(environ: WSGIEnvironment) -> str | None:
    """The service that a request's Authorization header is for; None where it names none."""
    _, _, credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")
    scope = CredentialScope.parse(credential.partition(",")[0])
    return scope.service if scope else None
