"""Clients with which a state machine calls services: this cloud's port, one client per service.

moto's interpreter builds a client for each call (11 ms), on port 5000, with keys of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.context import CloudContext


class ServiceClients:
    """Stands where the interpreter expects the `boto3` module, of which it calls only `client`."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    def client(self, *, service_name: str, **_moto_defaults: Any) -> Any:
        return self._context.client(service_name)
