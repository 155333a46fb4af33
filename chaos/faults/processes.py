"""Signals to execution environments: killed, stopped for good, stopped for a moment.

The process is found by the port from which its request comes, so the one that is hit is the one
that works on the shard. Never this process, which is the cloud.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterable
from functools import partial

import psutil

from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault

_GONE_S = 10.0
_LOOK_EVERY_S = 0.02


class NoSuchCallerError(Exception):
    """The process behind a request is not there any more, or is the cloud itself."""


def caller(call: Call) -> psutil.Process:
    """The process that made a request. Raises NoSuchCallerError."""
    for connection in psutil.net_connections("tcp4"):
        if connection.pid and connection.laddr and connection.laddr.port == call.client_port:
            if connection.pid == os.getpid():
                break
            return psutil.Process(connection.pid)
    raise NoSuchCallerError(f"no process behind port {call.client_port}")


def gone(process: psutil.Process, within_s: float = _GONE_S) -> bool:
    """Whether a process has ended, or is a zombie that its owner has yet to reap."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def kill(fault: Fault, scene: Scene) -> Strike:
    """SIGKILL, before the request is carried out or after it."""

    def strike(call: Call) -> Iterable[bytes]:
        try:
            process = caller(call)
        except (NoSuchCallerError, psutil.NoSuchProcess) as error:
            scene.struck(fault, took_effect=False, detail=str(error))
            return call.forward()
        if fault.after:
            call.carry_out()
        process.send_signal(signal.SIGKILL)
        ended = gone(process)
        scene.struck(fault, took_effect=ended, detail=f"{call.seen.operation}, pid {process.pid}")
        return call.drop()

    return strike


def hang(fault: Fault, scene: Scene) -> Strike:
    """SIGSTOP for good: the timeout has to end it."""

    def strike(call: Call) -> Iterable[bytes]:
        try:
            process = caller(call)
            process.send_signal(signal.SIGSTOP)
        except (NoSuchCallerError, psutil.NoSuchProcess) as error:
            scene.struck(fault, took_effect=False, detail=str(error))
            return call.forward()
        stopped_at = time.monotonic()
        scene.meanwhile(partial(_ended_by_the_timeout, fault, scene, process, stopped_at))
        return call.forward()

    return strike


def _ended_by_the_timeout(
    fault: Fault, scene: Scene, process: psutil.Process, stopped_at: float
) -> None:
    ended = gone(process, within_s=scene.world.timeout_s + 20)
    hung_s = time.monotonic() - stopped_at
    scene.struck(fault, took_effect=ended, detail=f"pid {process.pid}, gone after {hung_s:.1f} s")
    if not ended:
        process.send_signal(signal.SIGCONT)


def stall(fault: Fault, scene: Scene) -> Strike:
    """The exchange on the Runtime API stands still, within the timeout.

    The process is stopped between its work and its answer, and a second connection to its Runtime
    API sends half a request and waits.
    """

    def strike(call: Call) -> Iterable[bytes]:
        try:
            process = caller(call)
            half_open = _half_a_request(process)
            process.send_signal(signal.SIGSTOP)
        except (NoSuchCallerError, psutil.NoSuchProcess) as error:
            scene.struck(fault, took_effect=False, detail=str(error))
            return call.forward()

        def go_on() -> None:
            time.sleep(fault.seconds)
            try:
                stopped = process.status() == psutil.STATUS_STOPPED
                process.send_signal(signal.SIGCONT)
            except psutil.NoSuchProcess:
                stopped = False
            if half_open is not None:
                half_open.close()
            detail = f"pid {process.pid}, {fault.seconds} s, half-open: {half_open is not None}"
            scene.struck(fault, took_effect=stopped, detail=detail)

        scene.meanwhile(go_on)
        return call.forward()

    return strike


def _half_a_request(process: psutil.Process) -> socket.socket | None:
    """A connection to the process's Runtime API that never finishes its request."""
    host, _, port = process.environ()["AWS_LAMBDA_RUNTIME_API"].partition(":")
    try:
        connection = socket.create_connection((host, int(port)), timeout=1)
        connection.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: ")
    except OSError:
        return None
    return connection
