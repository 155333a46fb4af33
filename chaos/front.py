"""The network in front of the cloud: WSGI middleware that lets requests pass, or hands them over.

It knows the requests of the watched jobs, counts them, and gives the one that a fault waits for to
that fault. Everything else goes through untouched, but while the front is out.
"""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chaos.observed import Seen, Watched, is_submission, seen
from chaos.plan import Fault

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Call:
    """One request in the hands of a fault, which passes it on, answers it or drops it."""

    seen: Seen
    environ: WSGIEnvironment
    start_response: StartResponse
    application: WSGIApplication

    @property
    def client_port(self) -> int:
        """The caller's own port, by which its process is found."""
        return int(self.environ["REMOTE_PORT"])

    def forward(self) -> Iterable[bytes]:
        """Let the cloud answer."""
        return self.application(self.environ, self.start_response)

    def carry_out(self) -> None:
        """Let the cloud do what is asked and keep its answer from the caller."""
        answer = self.application(self.environ, lambda *_: lambda _: None)
        for _ in answer:
            pass
        close = getattr(answer, "close", None)
        if close is not None:
            close()

    def drop(self) -> Iterable[bytes]:
        """Hang up without an answer; the caller sees its connection reset."""
        return hang_up(self.environ)


Strike = Callable[[Call], Iterable[bytes]]


@dataclass
class Armed:
    """The faults of one job that have not struck as often as planned, and what was seen so far."""

    watched: Watched
    faults: tuple[tuple[Fault, Strike], ...]
    disarmed: bool = False
    counts: Counter[int] = field(default_factory=Counter)

    def due(self, request: Seen) -> Strike | None:
        """The strike that this request triggers; each request counts for one fault at most."""
        if self.disarmed:
            return None
        for fault, strike in self.faults:
            if fault.operation is not request.operation or fault.shard not in (None, request.shard):
                continue
            if self.counts[fault.number] >= fault.occurrence - 1 + fault.times:
                continue
            self.counts[fault.number] += 1
            return strike if self.counts[fault.number] >= fault.occurrence else None
        return None


class Front:
    """`wrap` is what `Cloud(middleware=...)` takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[str, Watched] = {}
        self._armed: dict[str, Armed] = {}
        self._out_until = 0.0
        self.dropped_while_out = 0

    def wrap(self, application: WSGIApplication) -> WSGIApplication:
        """The application with this front before it."""

        def fronted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return self._serve(application, environ, start_response)

        return fronted

    def watch(self, armed: Armed) -> None:
        """Look out for the requests of a job from now on."""
        watched = armed.watched
        with self._lock:
            self._armed[watched.job_id] = armed
            self._watched = {
                **self._watched,
                watched.job_id: watched,
                watched.images_key: watched,
            }

    def disarm(self, job_id: str) -> None:
        """Strike the job no more."""
        with self._lock:
            if job_id in self._armed:
                self._armed[job_id].disarmed = True

    def go_out(self, seconds: float) -> None:
        """Reset every connection that asks for something in the next `seconds`."""
        with self._lock:
            self._out_until = max(self._out_until, time.monotonic() + seconds)

    def _serve(
        self,
        application: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        if time.monotonic() < self._out_until:
            with self._lock:
                self.dropped_while_out += 1
            return hang_up(environ)
        submitted = _submitted_job(environ) if is_submission(environ) else ""
        request = seen(environ, self._watched, submitted=submitted)
        if request is None:
            return application(environ, start_response)
        with self._lock:
            strike = self._armed[request.job_id].due(request)
        if strike is None:
            return application(environ, start_response)
        return strike(Call(request, environ, start_response, application))


def hang_up(environ: WSGIEnvironment) -> Iterable[bytes]:
    """End the connection of a request with a reset."""
    connection: socket.socket = environ["werkzeug.socket"]
    # Without lingering, closing sends RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError("dropped by the campaign")


def _submitted_job(environ: WSGIEnvironment) -> str:
    """The job id in the body, which stays readable for the application."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    try:
        return str(json.loads(body)["job_id"])
    except (ValueError, KeyError, TypeError):
        return ""
