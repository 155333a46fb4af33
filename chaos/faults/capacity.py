"""Concurrency limits lowered by an operator while a job runs; Lambda refuses with 429.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault
from chaos.world import Lowered

_REFUSED_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.25


def reserved(fault: Fault, scene: Scene) -> Strike:
    """The function's reserved concurrency becomes 0: every invocation is refused."""
    return _lowered(fault, scene, scene.world.no_concurrency)


def account(fault: Fault, scene: Scene) -> Strike:
    """Another function reserves all but a hundred of the account's places."""
    return _lowered(fault, scene, scene.world.account_taken)


def _lowered(fault: Fault, scene: Scene, limit: Lowered) -> Strike:
    def strike(call: Call) -> Iterable[bytes]:
        throttles = scene.world.throttles()
        limit.begin()

        def restore() -> None:
            held_until = time.monotonic() + _REFUSED_WITHIN_S
            time.sleep(fault.seconds)
            # On a busy machine it can take a while until there is something to refuse.
            while scene.world.throttles() == throttles and time.monotonic() < held_until:
                time.sleep(_LOOK_EVERY_S)
            limit.end()
            refused = scene.world.throttles() - throttles
            scene.struck(fault, took_effect=refused > 0, detail=f"{refused} refused with 429")

        scene.meanwhile(restore)
        return call.forward()

    return strike
