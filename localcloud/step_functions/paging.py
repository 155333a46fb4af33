"""Pages of a listing: AWS's sizes, and tokens that only this cloud reads.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
"""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.step_functions.errors import InvalidToken

_DEFAULT_SIZE = 100
_MAX_SIZE = 1_000


def page(request: StepFunctionResponse, name: str, listed: list[Any]) -> dict[str, Any]:
    """The page of `listed` that `request` asks for, and the token of the next one if there is one.

    Raises InvalidToken, and ValidationException for more than 1,000 results a page.
    """
    size = request._get_int_param("maxResults") or _DEFAULT_SIZE
    if not 0 < size <= _MAX_SIZE:
        raise ValidationException(f"maxResults: {size}; allowed: 0 to {_MAX_SIZE}")
    first = _offset(request._get_param("nextToken"))
    answer: dict[str, Any] = {name: listed[first : first + size]}
    if first + size < len(listed):
        answer["nextToken"] = str(first + size)
    return answer


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise InvalidToken(f"Invalid Token: '{token}'")
    return int(token)
