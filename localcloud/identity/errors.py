"""A request that is not carried out, as the service that was called would say it."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - what happened to the request, not a fault of this program
    """`code` and `message` are AWS's, in the terms of the called service; `status` is HTTP's."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
