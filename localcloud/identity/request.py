"""A request as it arrived, in the terms in which it was signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True)
class ReceivedRequest:
    """`raw_path` and `query` are encoded as they came; `header` takes a lower-case name.

    `header` answers None for one that is absent, and joins the values of a repeated one by commas.
    """

    method: str
    raw_path: str
    query: str
    header: Callable[[str], str | None]

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> ReceivedRequest:
        def header(name: str) -> str | None:
            key = name.upper().replace("-", "_")
            value = environ.get(key if key in _UNPREFIXED else f"HTTP_{key}")
            # The server names these two always, empty when they were not sent.
            return None if value == "" and key in _UNPREFIXED else value

        return cls(
            method=environ["REQUEST_METHOD"],
            raw_path=environ["RAW_URI"].partition("?")[0],
            query=environ.get("QUERY_STRING", ""),
            header=header,
        )


_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")
