"""Who calls the embedded cloud: the identity behind a request's signature."""

from __future__ import annotations

from localcloud.identity.authentication import Authentication
from localcloud.identity.caller import Caller, Kind
from localcloud.identity.errors import Refused

__all__ = ["Authentication", "Caller", "Kind", "Refused"]
