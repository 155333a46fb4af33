"""The user's side: `python -m hpc run` killed in the middle of its own request."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault, Operation


def killed(fault: Fault, scene: Scene) -> Strike:
    """SIGKILL of the client; whoever started it starts it again with the same job id."""

    def strike(call: Call) -> Iterable[bytes]:
        from_client = call.seen.operation in (Operation.SUBMIT, Operation.STATUS)
        if from_client and fault.after:
            call.carry_out()
        client = scene.client
        ended = client is not None and client.kill()
        when = "after" if fault.after else "before"
        scene.struck(fault, took_effect=ended, detail=f"{call.seen.operation}, {when} it was done")
        return call.drop() if from_client else call.forward()

    return strike
