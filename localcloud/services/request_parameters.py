"""Where a request's parameters stand: in its query string and its body as the protocol says.

moto looks for them first in whatever looks like a form, be it the text inside a JSON body, and lets
`Action` there choose another operation than the one that was asked for, and allowed.
https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from moto.core.responses import BaseResponse

from localcloud.services.patches import Patch

_REASON = "parameters and Action are taken out of the text in a JSON body"


def request_parameter_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(BaseResponse, "setup_class", _set_up(BaseResponse.setup_class), _REASON),
        Patch(BaseResponse, "_get_action", _action(BaseResponse._get_action), _REASON),
    ]


def _set_up(stock: Callable[..., None]) -> Callable[..., None]:
    def setup_class(response: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        stock(response, request, *args, **kwargs)
        if _target(request.headers):
            response.querystring = response.data = OrderedDict()
        elif (request.content_type or "").startswith("application/json"):
            query = parse_qs(response.parsed_url.query, keep_blank_values=True)
            response.querystring = response.data = OrderedDict(query)

    return setup_class


def _action(stock: Callable[..., str]) -> Callable[..., str]:
    def _get_action(response: Any) -> str:
        target = _target(response.headers)
        return target.rpartition(".")[2] if target else stock(response)

    return _get_action


def _target(headers: Any) -> str:
    """X-Amz-Target of a request in a JSON protocol; "" in the others, where it means nothing."""
    if not (headers.get("Content-Type") or "").startswith("application/x-amz-json"):
        return ""
    return str(headers.get("X-Amz-Target") or "")
