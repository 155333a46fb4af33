"""The network in front of the cloud: one connection dropped, or all of them for a moment."""

from __future__ import annotations

import time
from collections.abc import Iterable

from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault


def dropped(fault: Fault, scene: Scene) -> Strike:
    """A reset instead of an answer; with `after`, what was asked for is done all the same."""

    def strike(call: Call) -> Iterable[bytes]:
        if fault.after:
            call.carry_out()
        when = "after" if fault.after else "before"
        scene.struck(fault, took_effect=True, detail=f"{call.seen.operation}, {when} it was done")
        return call.drop()

    return strike


def outage(fault: Fault, scene: Scene) -> Strike:
    """Every connection of everybody is reset for some tenths of a second."""

    def strike(call: Call) -> Iterable[bytes]:
        front = scene.world.front
        before = front.dropped_while_out
        front.go_out(fault.seconds)

        def count() -> None:
            time.sleep(fault.seconds)
            dropped = front.dropped_while_out - before + 1
            scene.struck(fault, took_effect=True, detail=f"{dropped} requests in {fault.seconds} s")

        scene.meanwhile(count)
        return call.drop()

    return strike
