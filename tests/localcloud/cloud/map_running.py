"""What tests of map runs have in common: definitions, refusals, a handler that waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

INVOKE = "arn:aws:states:::lambda:invoke"


def task(**fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "run", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **fields,
    }


def mapped(
    child: dict[str, Any] | None = None, execution_type: str = "STANDARD", **fields: Any
) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Run",
        "States": {"Run": child or task()},
    }
    return {"Type": "Map", "Label": "Shards", "ItemProcessor": processor, "End": True, **fields}


def only(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "Only", "States": {"Only": state}}


def refusal(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


class Gate:
    """A handler whose calls wait at a gate, and which knows how many have come."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self._came = threading.Semaphore(0)

    def __call__(self, event: Any) -> Any:
        self._came.release()
        self.open.wait(20)
        return event

    def await_calls(self, count: int) -> None:
        for _ in range(count):
            assert self._came.acquire(timeout=20)

    def none_came(self) -> bool:
        return not self._came.acquire(blocking=False)
