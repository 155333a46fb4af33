"""The request context: what conditions and policy variables can ask about.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
A request over the loopback interface counts as one over TLS 1.3, since nobody can listen in on it,
unless it says that it came to its front without: `X-Forwarded-Proto: http`.
"""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING

from localcloud.iam.call import Account, KeyValues
from localcloud.identity.caller import Caller, Kind

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_TLS_VERSION = "1.3"
_PRINCIPAL_TYPES = {
    Kind.DEPLOYER: "Account",
    Kind.USER: "User",
    Kind.ROLE: "AssumedRole",
    Kind.ANONYMOUS: "Anonymous",
}


class RequestContext:
    """Keys and values of one request; the time is that of the first look."""

    def __init__(self, values: dict[str, str | list[str]]) -> None:
        """`values` by key, in lower case."""
        self._values = values

    def get(self, key: str) -> str | list[str] | None:
        value = self._values.get(key)
        if value is None and key in ("aws:currenttime", "aws:epochtime"):
            now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
            self._values.setdefault("aws:currenttime", now.isoformat().replace("+00:00", "Z"))
            self._values.setdefault("aws:epochtime", str(int(time.time())))
            value = self._values[key]
        return value

    def also(self, keys: KeyValues) -> RequestContext:
        """With the keys of one call."""
        if not keys:
            return self
        return RequestContext({**self._values, **{key.lower(): keys[key] for key in keys}})


def request_context(
    caller: Caller, account: Account, environ: WSGIEnvironment | None
) -> RequestContext:
    """What is known of a request whatever it asks for; of one within this process no address."""
    over_tls = environ is None or environ.get("HTTP_X_FORWARDED_PROTO", "https") != "http"
    values: dict[str, str | list[str]] = {
        "aws:requestedregion": account.region,
        "aws:resourceaccount": account.number,
        "s3:resourceaccount": account.number,
        "aws:securetransport": "true" if over_tls else "false",
        "aws:viaawsservice": "false",
        "aws:principalisawsservice": "true" if caller.kind is Kind.SERVICE else "false",
    }
    if over_tls:
        values["s3:tlsversion"] = _TLS_VERSION
    if caller.kind is Kind.SERVICE:
        values["aws:principalservicename"] = caller.principal_arn
    else:
        values["aws:principaltype"] = _PRINCIPAL_TYPES[caller.kind]
    if caller.kind not in (Kind.SERVICE, Kind.ANONYMOUS):
        values["aws:principalarn"] = caller.principal_arn
        values["aws:principalaccount"] = caller.account
    if caller.kind is Kind.USER:
        values["aws:username"] = caller.arn.rpartition("/")[2]
    if environ is not None:
        values["aws:sourceip"] = environ.get("REMOTE_ADDR", "127.0.0.1")
        if "HTTP_USER_AGENT" in environ:
            values["aws:useragent"] = environ["HTTP_USER_AGENT"]
        if "HTTP_REFERER" in environ:
            values["aws:referer"] = environ["HTTP_REFERER"]
    return RequestContext(values)
