"""A scene for single faults, and a process that one of them may hit."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from chaos.faults.scene import Scene
from chaos.ledger import Ledger
from chaos.plan import job_plan
from chaos.world import World

CONNECT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.recv(1)
"""


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """The campaign's command lets the clouds of its process say nothing but the worst."""
    log = logging.getLogger("localcloud")
    level = log.level
    yield
    log.setLevel(level)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "raw.jsonl", seed=1) as ledger:
        yield ledger


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    return Scene(create_autospec(World, instance=True), job_plan(1, 0), "job-1", ledger)


@pytest.fixture
def lasting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What a fault would do meanwhile in a thread: here it waits until the test calls it."""
    works: list[Callable[[], None]] = []
    monkeypatch.setattr(scene, "meanwhile", works.append)
    return works


@pytest.fixture
def runtime_api() -> Iterator[socket.socket]:
    """Where `connected` is told that its Runtime API is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


@pytest.fixture
def connected(runtime_api: socket.socket) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process with a connection to this one, and its port."""
    host, port = runtime_api.getsockname()
    environ = {**os.environ, "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-c", CONNECT, str(listener.getsockname()[1])]
        with subprocess.Popen(command, env=environ) as process:
            accepted, (_, port) = listener.accept()
            with accepted:
                yield process, port
                process.kill()
