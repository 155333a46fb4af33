"""What stands between an authenticated request and the service: may this caller do that?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localcloud.identity.caller import Caller


class Gate(Protocol):
    """Authorisation of every request, right after its authentication."""

    def check(self, caller: Caller, environ: WSGIEnvironment) -> None:
        """Raises Refused when `caller` may not make this request."""


class OpenGate:
    """Lets every caller pass that could be authenticated, and anonymous ones too."""

    def check(self, caller: Caller, environ: WSGIEnvironment) -> None:
        """See `Gate`."""
