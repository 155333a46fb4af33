"""What tests of redrives have in common: definitions, a handler that can be repaired, answers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.functions.errors import TooManyRequestsError


def call(function: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        **(fields or {"End": True}),
    }


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def mapped(child: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {
        "Type": "Map",
        "Label": "Shards",
        "ItemProcessor": {"ProcessorConfig": config, **(child or chain(Run=call("run")))},
        "End": True,
        **fields,
    }


class Flaky:
    """A handler that refuses what `broken` names, and remembers what it was asked."""

    def __init__(self, *broken: Any) -> None:
        self.broken = set(broken)
        self.asked: list[Any] = []

    def __call__(self, event: Any) -> Any:
        self.asked.append(event)
        if event in self.broken:
            raise TooManyRequestsError("any")
        return event

    def repair(self) -> None:
        self.broken.clear()
        self.asked.clear()


def redriven(state_machines: Any, execution: str) -> dict[str, Any]:
    state_machines.client.redrive_execution(executionArn=execution)
    return state_machines.end_of(execution)


def history(state_machines: Any, execution: str) -> list[dict[str, Any]]:
    pages = state_machines.client.get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def record_of(cloud: Any, execution: str) -> Any:
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    context = cloud.context
    backend: Any = stepfunctions_parser_backends[context.account][context.region]
    return backend.describe_execution(execution)
