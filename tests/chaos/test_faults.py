"""Single faults: what the caller of a disturbed request gets, and what is written down about it."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import psutil
import pytest

from chaos.faults import network, processes, s3
from chaos.faults.scene import Scene
from chaos.front import Call
from chaos.ledger import Ledger
from chaos.observed import Seen
from chaos.plan import Fault, Kind, Operation, job_plan
from chaos.world import World

CONNECT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.recv(1)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "raw.jsonl", seed=1) as ledger:
        yield ledger


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return Scene(create_autospec(World, instance=True), job_plan(1, 0), "job-1", ledger)


@pytest.fixture
def connected() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process with a connection to this one, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-c", CONNECT, str(listener.getsockname()[1])]
        with subprocess.Popen(command) as process:
            accepted, (_, port) = listener.accept()
            with accepted:
                yield process, port
                process.kill()


def fault(kind: Kind, **changes: Any) -> Fault:
    return Fault(number=0, kind=kind, operation=Operation.SHARD_READ, shard=0, **changes)


class Requested:
    """A request in the hands of a fault: what it was answered, and whether the cloud saw it."""

    def __init__(self, *, port: int = 0, connection: socket.socket | None = None) -> None:
        self.status = ""
        self.carried_out = 0
        environ = {
            "REQUEST_METHOD": "GET",
            "REMOTE_PORT": port,
            "wsgi.input": io.BytesIO(),
            "werkzeug.socket": connection,
        }
        seen = Seen("job-1", Operation.SHARD_READ, 0)
        self.call = Call(seen, environ, self._start, self._cloud)

    def _start(self, status: str, *_: Any) -> Any:
        self.status = status
        return lambda _: None

    def _cloud(self, _: Any, start_response: Any) -> list[bytes]:
        self.carried_out += 1
        start_response("200 OK", [])
        return [b"12345678"]


@pytest.mark.parametrize(
    ("status", "line", "code"),
    [(503, "503 Slow Down", b"SlowDown"), (500, "500 Internal Server Error", b"InternalError")],
)
def test_s3_error_is_answered_in_s3s_words_and_nothing_is_done(
    scene, ledger, status, line, code
) -> None:
    requested = Requested()
    body = b"".join(s3.error(fault(Kind.S3_ERROR, status=status), scene)(requested.call))
    assert (requested.status, requested.carried_out) == (line, 0)
    assert b"<Code>" + code + b"</Code>" in body
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_slow_read_brings_every_byte(scene, ledger) -> None:
    body = s3.slow(fault(Kind.SLOW_READ, seconds=0.04), scene)(Requested().call)
    assert list(body) == [b"12", b"34", b"56", b"78"]
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_cut_read_ends_with_a_reset_after_half(scene) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = iter(s3.cut(fault(Kind.CUT_READ), scene)(Requested(connection=ours).call))
        assert next(body) == b"1234"
        with pytest.raises(ConnectionResetError):
            next(body)


@pytest.mark.parametrize("after", [True, False])
def test_dropped_request_is_carried_out_or_not_as_planned(scene, after) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        requested = Requested(connection=ours)
        with pytest.raises(ConnectionResetError):
            network.dropped(fault(Kind.DROPPED, after=after), scene)(requested.call)
    assert requested.carried_out == after


def test_killed_is_the_process_behind_the_request(scene, ledger, connected) -> None:
    process, port = connected
    ours, theirs = socket.socketpair()
    with ours, theirs:
        requested = Requested(port=port, connection=ours)
        with pytest.raises(ConnectionResetError):
            processes.kill(fault(Kind.KILL), scene)(requested.call)
    assert process.wait(timeout=10) == -signal.SIGKILL
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_no_process_is_killed_for_a_request_of_the_campaign_itself(scene, ledger) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as own,
    ):
        requested = Requested(port=own.getsockname()[1])
        assert list(processes.kill(fault(Kind.KILL), scene)(requested.call)) == [b"12345678"]
    assert [struck.took_effect for struck in ledger.struck] == [False]
    assert psutil.pid_exists(os.getpid())


def test_hang_that_no_timeout_ends_has_no_effect_and_goes_on(
    scene, ledger, connected, monkeypatch
) -> None:
    process, port = connected
    scene.world.timeout_s = 0.0
    monkeypatch.setattr(processes, "gone", lambda *_, **__: False)
    requested = Requested(port=port)
    assert list(processes.hang(fault(Kind.HANG), scene)(requested.call)) == [b"12345678"]
    assert scene.close() == []
    assert [struck.took_effect for struck in ledger.struck] == [False]
    assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
