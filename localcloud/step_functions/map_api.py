"""Answers about map runs and their children.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import ExecutionDoesNotExist, ValidationException
from moto.stepfunctions.parser.api import MapRunStatus
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.step_functions import redrive
from localcloud.step_functions.errors import ResourceNotFound
from localcloud.step_functions.map_children import ChildExecution
from localcloud.step_functions.map_record import RecordedMapRun
from localcloud.step_functions.paging import page


def is_child(execution_arn: str) -> bool:
    """Whether the ARN is one of a map's child: its state machine's name has a map's label."""
    parts = execution_arn.split(":")
    return len(parts) > 6 and "/" in parts[6]


def described_child(request: StepFunctionResponse, arn: str) -> dict[str, Any]:
    """Raises ExecutionDoesNotExist."""
    child, record = _find_child(request, arn)
    described = _listed_child(child, record)
    del described["itemCount"]
    described.update({"input": child.input, "inputDetails": {"included": True}})
    if child.output is not None:
        described.update({"output": child.output, "outputDetails": {"included": True}})
    described.update(error_and_cause(child))
    described.update(_redrive_status(request, child, record))
    return described


def listed_children(
    request: StepFunctionResponse, map_run_arn: str, status: str | None
) -> list[dict[str, Any]]:
    """Raises ResourceNotFound."""
    record = _find_map_run(request, map_run_arn)
    return [
        _listed_child(child, record)
        for child in record.started()
        if status in (None, child.status.value)
    ]


def child_events(request: StepFunctionResponse, arn: str) -> list[dict[str, Any]]:
    """Raises ExecutionDoesNotExist, and for EXPRESS children ValidationException."""
    child, record = _find_child(request, arn)
    if record.express:
        raise ValidationException("GetExecutionHistory is not supported for EXPRESS executions")
    return child.events()


def parent(request: StepFunctionResponse, child_arn: str) -> tuple[str, dict[str, Any]]:
    """The execution outside of all maps that a child belongs to, and its map run's state machine.

    Raises ExecutionDoesNotExist.
    """
    _, record = _find_child(request, child_arn)
    arn = _outermost(request, record)
    described = {
        "stateMachineArn": record.map_state_machine_arn,
        "name": record.map_state_machine_arn.split(":")[6],
        "definition": record.definition,
        "mapRunArn": record.map_run_arn,
        "label": record.map_state_machine_arn.rpartition("/")[2],
    }
    return arn, described


def list_map_runs(request: StepFunctionResponse) -> ActionResult:
    """The map runs that an execution started, a child of another map included."""
    arn = request._get_param("executionArn")
    if is_child(arn):
        _find_child(request, arn)
    else:
        request.stepfunction_backend.describe_execution(arn)
    runs = [record.list_item() for record in _map_runs(request) if record.execution_arn == arn]
    return ActionResult(page(request, "mapRuns", runs))


def update_map_run(request: StepFunctionResponse) -> ActionResult:
    """Change limits of a map run in progress, with effect at once.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateMapRun.html
    """
    record = _find_map_run(request, request._get_param("mapRunArn"))
    concurrency = request._get_param("maxConcurrency")
    count = request._get_param("toleratedFailureCount")
    percentage = request._get_param("toleratedFailurePercentage")
    if record.status != MapRunStatus.RUNNING:
        raise ValidationException(f"mapRunArn: the Map Run is {record.status}; allowed: RUNNING")
    for name, value, highest in (
        ("maxConcurrency", concurrency, None),
        ("toleratedFailureCount", count, None),
        ("toleratedFailurePercentage", percentage, 100),
    ):
        if value is not None and (value < 0 or (highest is not None and value > highest)):
            limit = "0 or more" if highest is None else f"0 to {highest}"
            raise ValidationException(f"{name}: {value}; allowed: {limit}")
    record.update(concurrency, count, percentage)
    return EmptyResult()


def error_and_cause(execution: Any) -> dict[str, str]:
    """Those of the two that `execution` has."""
    found = {"error": execution.error, "cause": execution.cause}
    return {name: value for name, value in found.items() if value is not None}


def _map_runs(request: StepFunctionResponse) -> Iterator[RecordedMapRun]:
    backend: Any = request.stepfunction_backend
    for execution in backend._get_executions():
        yield from execution.exec_worker.env.map_run_record_pool_manager.get_all()


def _find_map_run(request: StepFunctionResponse, map_run_arn: str) -> RecordedMapRun:
    for record in _map_runs(request):
        if record.map_run_arn == map_run_arn:
            return record
    raise ResourceNotFound(f"Resource not found: '{map_run_arn}'")


def _find_child(request: StepFunctionResponse, arn: str) -> tuple[ChildExecution, RecordedMapRun]:
    for record in _map_runs(request):
        for child in record.started():
            if child.execution_arn == arn:
                return child, record
    raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")


def _outermost(request: StepFunctionResponse, record: RecordedMapRun) -> str:
    arn = record.execution_arn
    while is_child(arn):
        arn = _find_child(request, arn)[1].execution_arn
    return arn


def _listed_child(child: ChildExecution, record: RecordedMapRun) -> dict[str, Any]:
    listed = {
        "executionArn": child.execution_arn,
        "mapRunArn": record.map_run_arn,
        "stateMachineArn": record.map_state_machine_arn,
        "name": child.name,
        "status": child.status.value,
        "startDate": child.start_date,
        "itemCount": child.item_count,
        **redrive.told_count(child.redrive_count, child.redrive_date),
    }
    if child.stop_date is not None:
        listed["stopDate"] = child.stop_date
    return listed


def _redrive_status(
    request: StepFunctionResponse, child: ChildExecution, record: RecordedMapRun
) -> dict[str, Any]:
    """A child is redriven by its map run, as far as that one's own parent is redrivable.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
    """
    reason = redrive.why_not(
        child.status,
        events=0 if record.express else child.event_count,
        started=child.start_date,
        stopped=child.stop_date,
    )
    if reason is None:
        backend: Any = request.stepfunction_backend
        reason = backend.describe_execution(_outermost(request, record)).why_not_redrivable()
    if reason is None:
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
