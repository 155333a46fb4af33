"""A shard invoked once more while it is worked on, as by a service that delivers at least once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from chaos.faults.scene import Scene
from chaos.front import Call, Strike
from chaos.plan import Fault


def at_once(fault: Fault, scene: Scene) -> Strike:
    """Invoke classify with the very shard whose read this is, and let both run."""

    def strike(call: Call) -> Iterable[bytes]:
        shard = fault.shard or 0
        plan = scene.plan
        start = shard * plan.shard_size
        stop = min(plan.images, start + plan.shard_size)
        payload = {
            "job_id": scene.job_id,
            "input": {"images": scene.images_key, "labels": None},
            "shard": {"shard": shard, "start": start, "stop": stop},
            "attempt": 0,
        }

        def invoke() -> None:
            began = time.monotonic()
            try:
                answer = scene.world.client("lambda").invoke(
                    FunctionName=scene.world.classify,
                    Qualifier="live",
                    Payload=json.dumps(payload).encode(),
                )
                said = json.loads(answer["Payload"].read())
            except (ClientError, BotoCoreError) as error:
                # Refused or dropped by another fault: this one was not delivered.
                scene.struck(fault, took_effect=False, detail=str(error))
                return
            took_s = time.monotonic() - began
            detail = f"{said} in {took_s:.2f} s"
            scene.struck(fault, took_effect="FunctionError" not in answer, detail=detail)

        scene.meanwhile(invoke)
        return call.forward()

    return strike
