"""One place for how this client speaks HTTP: timeouts always, retries where they cannot do harm.

It retries connection failures, 429 and 5xx with jittered backoff and honours Retry-After. Every
request of this client may be repeated: reads by nature, POST /jobs because the job id is chosen by
the client, a redrive because its token is, POST /classify because it only computes.
"""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

CONNECT_TIMEOUT_S = 5.0
# API Gateway gives up after 30 s, so nothing useful comes later.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
READ_TIMEOUT_S = 35.0
_RETRIED_STATUS = (429, 500, 502, 503, 504)


class _TimedAdapter(HTTPAdapter):
    """Gives every request of the session a timeout, so that no call site can forget one."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        return super().send(request, *args, **kwargs)


def retrying_session(
    auth: AuthBase | None = None, *, retries: int = 5, backoff_s: float = 0.2
) -> requests.Session:
    """A session with timeouts, retries (at most `retries` a request) and, if given, `auth`.

    The caller closes it. After the last retry a status is returned as it is, not raised.
    """
    retry = Retry(
        total=retries,
        backoff_factor=backoff_s,
        backoff_jitter=backoff_s,
        status_forcelist=_RETRIED_STATUS,
        allowed_methods=frozenset({"GET", "POST"}),
        raise_on_status=False,
    )
    session = requests.Session()
    session.mount("http://", _TimedAdapter(max_retries=retry))
    session.mount("https://", _TimedAdapter(max_retries=retry))
    session.auth = auth
    return session
