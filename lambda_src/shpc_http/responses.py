"""What HTTP clients are told: JSON bodies, and for every failure one shape and a fitting status.

A caller's mistake is named field by field. Anything unexpected is logged with its stack trace, of
which the client sees nothing but the request id to quote.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from shpc_core.errors import InvalidInput, TooLarge

_log = logging.getLogger(__name__)


class HttpError(Exception):
    """A refusal that has its own status; `field` names the part of the request at fault."""

    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


def answer(status: int, body: object) -> dict[str, Any]:
    """A response with `body` (anything msgspec encodes) as JSON."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": msgspec.json.encode(body).decode(),
    }


def answered(respond: Callable[[], dict[str, Any]], *, request_id: str) -> dict[str, Any]:
    """What `respond` answers, or the error response for whatever it raises."""
    try:
        return respond()
    except HttpError as error:
        return _refusal(error.status, error.code, error.field, error.message)
    except TooLarge as error:
        return _refusal(413, "too_large", error.field, str(error))
    except InvalidInput as error:
        return _refusal(400, "invalid_input", error.field, str(error))
    except Exception:  # noqa: BLE001 - the last line of defence; logged with its trace
        _log.exception("request %s failed", request_id)
        message = f"unexpected error; the function's log has it under request {request_id}"
        return _refusal(500, "internal_error", None, message)


def _refusal(status: int, code: str, field: str | None, message: str) -> dict[str, Any]:
    return answer(status, {"error": {"code": code, "field": field, "message": message}})
