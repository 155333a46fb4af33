"""No space left where the cloud keeps its environments: no new one can start."""

from __future__ import annotations

import errno
import signal
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from chaos.faults.processes import NoSuchCallerError, caller
from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault


def full(fault: Fault, scene: Scene) -> Strike:
    """Fill the disk and kill the environment, so that another one is needed while it is full."""

    def strike(call: Call) -> Iterable[bytes]:
        disk = scene.world.disk
        if disk is None:
            return call.forward()
        disk.fill()
        refused = _no_space(disk.folder)
        with suppress(NoSuchCallerError, psutil.NoSuchProcess):
            caller(call).send_signal(signal.SIGKILL)

        def make_room() -> None:
            time.sleep(fault.seconds)
            disk.free()
            scene.struck(fault, took_effect=refused, detail=f"no space for {fault.seconds} s")

        scene.meanwhile(make_room)
        return call.drop()

    return strike


def _no_space(folder: object) -> bool:
    """Whether a new folder is refused for want of space."""
    try:
        with tempfile.TemporaryDirectory(dir=str(folder)):
            return False
    except OSError as error:
        return error.errno == errno.ENOSPC
