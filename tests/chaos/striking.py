"""One request in the hands of a fault."""

from __future__ import annotations

import io
import socket
from typing import Any

from chaos.front import Call
from chaos.observed import Seen
from chaos.plan import Fault, Kind, Operation


def fault(kind: Kind, **changes: Any) -> Fault:
    return Fault(**{"number": 0, "kind": kind, "operation": Operation.SHARD_READ, **changes})


class Requested:
    """A request in the hands of a fault: what it was answered, and whether the cloud saw it."""

    def __init__(
        self,
        *,
        port: int = 0,
        connection: socket.socket | None = None,
        operation: Operation = Operation.SHARD_READ,
    ) -> None:
        self.status = ""
        self.carried_out = 0
        environ = {
            "REQUEST_METHOD": "GET",
            "REMOTE_PORT": port,
            "wsgi.input": io.BytesIO(),
            "werkzeug.socket": connection,
        }
        self.call = Call(Seen("job-1", operation, 0), environ, self._start, self._cloud)

    def _start(self, status: str, *_: Any) -> Any:
        self.status = status
        return lambda _: None

    def _cloud(self, _: Any, start_response: Any) -> list[bytes]:
        self.carried_out += 1
        start_response("200 OK", [])
        return [b"12345678"]
