"""Answers about executions, those of a Distributed Map's children included, as AWS shapes them.

moto's own leave out the end of an execution that timed out, print text output without quotes, drop
an output of null, ignore the error and cause of a stop, and know no children.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ExecutionDoesNotExist
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.step_functions.errors import ResourceNotFound
from localcloud.step_functions.map_children import ChildExecution
from localcloud.step_functions.map_run import RecordedMapRun

_PAGE_SIZE = 100
_FAILED = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)


class InvalidToken(AWSError):  # noqa: N818 - AWS's name
    """The token of a page is not one that was handed out."""

    TYPE = "InvalidToken"


def describe_execution(request: StepFunctionResponse) -> ActionResult:
    """An execution of a state machine, or one child of a map."""
    arn = request._get_param("executionArn")
    if "/" in arn.split(":")[6]:
        return ActionResult(_described_child(*_find_child(request, arn)))
    execution: Any = request.stepfunction_backend.describe_execution(arn)
    described = {
        "executionArn": arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": 0,
    }
    if execution.stop_date is not None:
        described["stopDate"] = execution.stop_date
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        described["output"] = json.dumps(execution.output, separators=(",", ":"))
        described["outputDetails"] = {"included": True}
    elif execution.exec_status in _FAILED:
        described.update(_error_and_cause(execution))
    return ActionResult(described)


def listing(list_of_machine: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
    """ListExecutions: a machine's by `list_of_machine`, or the children of one map run."""

    def list_executions(request: StepFunctionResponse) -> ActionResult:
        map_run_arn = request._get_param("mapRunArn")
        if map_run_arn is None:
            return list_of_machine(request)
        record = _find_map_run(request, map_run_arn)
        wanted = request._get_param("statusFilter")
        children = [
            _listed_child(child, record)
            for child in list(record.children)
            if wanted in (None, child.status.value)
        ]
        first = _offset(request._get_param("nextToken"))
        size = request._get_int_param("maxResults") or _PAGE_SIZE
        page: dict[str, Any] = {"executions": children[first : first + size]}
        if first + size < len(children):
            page["nextToken"] = str(first + size)
        return ActionResult(page)

    return list_executions


def stop_execution(request: StepFunctionResponse) -> ActionResult:
    """Abort an execution, for the reason that the caller gives."""
    execution: Any = request.stepfunction_backend.describe_execution(
        request._get_param("executionArn")
    )
    execution.stop(
        stop_date=None, error=request._get_param("error"), cause=request._get_param("cause")
    )
    return ActionResult({"stopDate": execution.stop_date})


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
        for child in list(record.children):
            if child.execution_arn == arn:
                return child, record
    raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")


def _listed_child(child: ChildExecution, record: RecordedMapRun) -> dict[str, Any]:
    listed = {
        "executionArn": child.execution_arn,
        "mapRunArn": record.map_run_arn,
        "stateMachineArn": child.state_machine_arn,
        "name": child.name,
        "status": child.status.value,
        "startDate": child.start_date,
        "itemCount": 1,
    }
    if child.stop_date is not None:
        listed["stopDate"] = child.stop_date
    return listed


def _described_child(child: ChildExecution, record: RecordedMapRun) -> dict[str, Any]:
    described = _listed_child(child, record)
    del described["itemCount"]
    described.update({"input": child.input, "inputDetails": {"included": True}})
    if child.output is not None:
        described.update({"output": child.output, "outputDetails": {"included": True}})
    described.update(_error_and_cause(child))
    return described


def _error_and_cause(execution: Any) -> dict[str, str]:
    found = {"error": execution.error, "cause": execution.cause}
    return {name: value for name, value in found.items() if value is not None}


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise InvalidToken(f"Invalid Token: '{token}'")
    return int(token)
