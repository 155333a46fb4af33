"""Answers about executions, those of a Distributed Map's children included, as AWS shapes them.

moto's own leave out the end of an execution that timed out, print text output without quotes, drop
an output of null, ignore the error and cause of a stop, and know neither children nor redrives.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ExecutionDoesNotExist, ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.step_functions import map_api, redrive
from localcloud.step_functions.errors import ExecutionNotRedrivable
from localcloud.step_functions.paging import page

_FAILED = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)


def describe_execution(request: StepFunctionResponse) -> ActionResult:
    """An execution of a state machine, or one child of a map."""
    arn = request._get_param("executionArn")
    if map_api.is_child(arn):
        return ActionResult(map_api.described_child(request, arn))
    execution = find_execution(request, arn)
    described = {
        "executionArn": arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        **redrive.told(
            execution.redrive_count, execution.redrive_date, execution.why_not_redrivable()
        ),
    }
    if execution.stop_date is not None:
        described["stopDate"] = execution.stop_date
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        described["output"] = json.dumps(execution.output, separators=(",", ":"))
        described["outputDetails"] = {"included": True}
    elif execution.exec_status in _FAILED:
        described.update(map_api.error_and_cause(execution))
    return ActionResult(described)


def list_executions(request: StepFunctionResponse) -> ActionResult:
    """A machine's executions or one map run's children, the most recent first.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
    """
    machine_arn = request._get_param("stateMachineArn")
    map_run_arn = request._get_param("mapRunArn")
    wanted_status = request._get_param("statusFilter")
    wanted_redrive = request._get_param("redriveFilter")
    if (machine_arn is None) == (map_run_arn is None):
        raise ValidationException("Specify either stateMachineArn or mapRunArn, and not both")
    if map_run_arn is not None:
        listed = map_api.listed_children(request, map_run_arn, wanted_status)
    elif wanted_redrive is not None:
        raise ValidationException("redriveFilter: allowed with mapRunArn only")
    elif wanted_status == ExecutionStatus.PENDING_REDRIVE.value:
        raise ValidationException("statusFilter: PENDING_REDRIVE is allowed with mapRunArn only")
    else:
        machine = request.stepfunction_backend.describe_state_machine(machine_arn)
        listed = [
            _listed(execution, machine.arn)
            for execution in list(machine.executions)
            if wanted_status in (None, execution.status)
        ]
    if wanted_redrive is not None:
        redriven = wanted_redrive == "REDRIVEN"
        listed = [each for each in listed if bool(each["redriveCount"]) is redriven]
    listed.sort(key=_recency, reverse=True)
    return ActionResult(page(request, "executions", listed))


def redrive_execution(request: StepFunctionResponse) -> ActionResult:
    """Restart an execution from where it did not succeed; its map runs go with it."""
    arn = request._get_param("executionArn")
    if map_api.is_child(arn):
        map_api.described_child(request, arn)
        raise ExecutionNotRedrivable("A child execution is redriven by redriving its parent")
    execution = find_execution(request, arn)
    date = execution.redrive(
        request._get_param("clientToken"), open_executions=_open_executions(request)
    )
    return ActionResult({"redriveDate": date})


def stop_execution(request: StepFunctionResponse) -> ActionResult:
    """Abort an execution, for the reason that the caller gives."""
    execution = find_execution(request, request._get_param("executionArn"))
    execution.stop(
        stop_date=None, error=request._get_param("error"), cause=request._get_param("cause")
    )
    return ActionResult({"stopDate": execution.stop_date})


def get_execution_history(
    stock: Callable[[StepFunctionResponse], ActionResult],
) -> Callable[[StepFunctionResponse], ActionResult]:
    """GetExecutionHistory with its pages and order, and of a STANDARD child, too.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
    """

    def replacement(request: StepFunctionResponse) -> ActionResult:
        arn = request._get_param("executionArn")
        if map_api.is_child(arn):
            events = map_api.child_events(request, arn)
        else:
            find_execution(request, arn)
            answer: Any = stock(request)._result
            events = answer["events"]
        if request._get_param("reverseOrder"):
            events = events[::-1]
        if request._get_param("includeExecutionData") is False:
            events = [_without_data(event) for event in events]
        return ActionResult(page(request, "events", events))

    return replacement


def describe_state_machine_for_execution(request: StepFunctionResponse) -> ActionResult:
    """The definition and role that an execution was started with, or a map run its children.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html
    """
    arn = request._get_param("executionArn")
    parent_arn, of_map = map_api.parent(request, arn) if map_api.is_child(arn) else (arn, {})
    execution = find_execution(request, parent_arn)
    machine = execution.state_machine
    described = {
        "stateMachineArn": execution.state_machine_arn,
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": execution.role_arn,
        "updateDate": getattr(machine, "update_date", None) or machine.creation_date,
        **of_map,
    }
    for name in ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration"):
        if getattr(machine, name, None):
            described[name] = getattr(machine, name)
    return ActionResult(described)


def find_execution(request: StepFunctionResponse, arn: str) -> Any:
    """Raises ExecutionDoesNotExist."""
    execution: Any = request.stepfunction_backend.describe_execution(arn)
    if execution is None:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")
    return execution


def _open_executions(request: StepFunctionResponse) -> int:
    backend: Any = request.stepfunction_backend
    return len(backend._get_executions(ExecutionStatus.RUNNING.value))


def _listed(execution: Any, machine_arn: str) -> dict[str, Any]:
    listed = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        **redrive.told_count(execution.redrive_count, execution.redrive_date),
    }
    if execution.stop_date is not None:
        listed["stopDate"] = execution.stop_date
    return listed


def _recency(listed: dict[str, Any]) -> Any:
    return listed.get("stopDate") or listed.get("redriveDate") or listed["startDate"]


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    hidden = ("input", "inputDetails", "output", "outputDetails")
    return {
        name: {key: kept for key, kept in value.items() if key not in hidden}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }
