"""The embedded cloud's one port: a keep-alive HTTP server, and what is behind it."""

from __future__ import annotations

from localcloud.server.keep_alive import KeepAliveServer
from localcloud.server.routing import CloudApplication

__all__ = ["CloudApplication", "KeepAliveServer"]
