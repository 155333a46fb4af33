"""Too little memory: an input that is larger than its function, and a system that gives no more."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable

import psutil

from chaos.faults.processes import NoSuchCallerError, caller, gone
from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault

_HELD_S = 0.4


def oversized(fault: Fault, scene: Scene) -> Strike:
    """The shard itself is the fault: the environment that reads it outgrows its limit and ends."""

    def strike(call: Call) -> Iterable[bytes]:
        try:
            process = caller(call)
        except (NoSuchCallerError, psutil.NoSuchProcess) as error:
            scene.struck(fault, took_effect=False, detail=str(error))
            return call.forward()

        def watch_it_end() -> None:
            ended = gone(process, within_s=scene.world.timeout_s + 20)
            scene.struck(fault, took_effect=ended, detail=f"pid {process.pid}")

        scene.meanwhile(watch_it_end)
        return call.forward()

    return strike


def refused(fault: Fault, scene: Scene) -> Strike:
    """RLIMIT_AS at what the process has: whatever it asks for next, the system refuses."""

    def strike(call: Call) -> Iterable[bytes]:
        try:
            process = caller(call)
            before = process.rlimit(psutil.RLIMIT_AS)
            held = process.memory_info().vms
            process.rlimit(psutil.RLIMIT_AS, (held, before[1]))
        except (NoSuchCallerError, psutil.NoSuchProcess) as error:
            scene.struck(fault, took_effect=False, detail=str(error))
            return call.forward()

        def give_back() -> None:
            time.sleep(_HELD_S)
            try:
                limited = process.rlimit(psutil.RLIMIT_AS)[0] == held
                process.rlimit(psutil.RLIMIT_AS, (resource.RLIM_INFINITY, before[1]))
            except psutil.NoSuchProcess:
                # The runtime did not survive it, which is an effect, too.
                limited = True
            detail = f"pid {process.pid}, {held >> 20} MB of addresses for {_HELD_S} s"
            scene.struck(fault, took_effect=limited, detail=detail)

        scene.meanwhile(give_back)
        return call.forward()

    return strike
