"""The Map state in DISTRIBUTED mode: moto calls a map with failed children SUCCEEDED.

It reads the items, runs the children (map_run.py), writes the results (map_results.py) and says
in the execution's history what happened. Inline maps stay moto's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import (
    HistoryEventType,
    MapRunFailedEventDetails,
    MapRunStartedEventDetails,
    MapRunStatus,
    MapStateStartedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (  # noqa: E501
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.quotas import is_within_size_quota

from localcloud.iam.callers import session_of
from localcloud.iam.gate import Allows
from localcloud.identity.errors import Refused
from localcloud.step_functions.clients import SESSION_NAME
from localcloud.step_functions.history import event_details
from localcloud.step_functions.map_children import ChildWorkflow
from localcloud.step_functions.map_results import write_results
from localcloud.step_functions.map_run import MapRun, RecordedMapRun, Tolerance

THRESHOLD_EXCEEDED = "The specified tolerated failure threshold was exceeded"


def map_evaluation(
    inline: Callable[[StateMap, Environment], None], allows: Allows
) -> Callable[..., None]:
    """StateMap._eval_execution: ours for DISTRIBUTED mode, `inline` for the rest."""

    def evaluate(state: StateMap, env: Environment) -> None:
        if isinstance(state.iteration_component, DistributedIterationComponent):
            distributed = _DistributedMap(state, env)
            distributed.authorise(allows)
            distributed.evaluate()
        else:
            inline(state, env)

    return evaluate


class _DistributedMap:
    def __init__(self, state: StateMap, env: Environment) -> None:
        self._state = state
        self._env = env
        self._map_input = env.states.get_input()

    def evaluate(self) -> None:
        """Leave the map's result on the interpreter's stack, or raise the failure of the map."""
        tolerance = Tolerance(
            count=self._value_of(self._state.tolerated_failure_count_decl),
            percentage=self._value_of(self._state.tolerated_failure_percentage_decl),
        )
        record = self._new_record(tolerance)
        try:
            items = self._items(record)
            run = MapRun(
                env=self._env,
                workflow=self._workflow(record),
                items=items,
                record=record,
                tolerance=tolerance,
            )
            run.run()
            result = self._result(run)
        except FailureEventException as failure:
            self._tell(HistoryEventType.MapRunFailed, failure.failure_event.event_details)
            record.set_stop(status=MapRunStatus.FAILED)
            raise
        if not self._env.is_running():
            return
        record.set_stop(status=MapRunStatus.SUCCEEDED)
        self._tell(HistoryEventType.MapRunSucceeded)
        self._env.stack.append(result)
        self._tell(HistoryEventType.MapStateSucceeded, follows=False)

    def _value_of(self, component: Any) -> Any:
        component.eval(self._env)
        return self._env.stack.pop()

    def _context(self) -> Any:
        return self._env.states.context_object.context_object_data

    def _new_record(self, tolerance: Tolerance) -> RecordedMapRun:
        record = RecordedMapRun(
            state_machine_arn=self._context()["StateMachine"]["Id"],
            execution_arn=self._context()["Execution"]["Id"],
            max_concurrency=self._value_of(self._state.max_concurrency_decl),
            tolerated_failure_count=tolerance.count,
            tolerated_failure_percentage=tolerance.percentage,
            label=self._state.label.label if self._state.label else None,
        )
        self._env.map_run_record_pool_manager.add(record)
        return record

    def _workflow(self, record: RecordedMapRun) -> ChildWorkflow:
        return ChildWorkflow(
            program=self._state.iteration_component._get_iteration_program(),
            selector=self._state.item_selector or self._state.parameters,
            map_input=self._map_input,
            execution_arn_prefix=record.map_state_machine_arn.replace(
                ":stateMachine:", ":execution:"
            ),
            state_machine_arn=record.map_state_machine_arn,
        )

    def _items(self, record: RecordedMapRun) -> list[Any]:
        started = event_details(
            mapRunStartedEventDetails=MapRunStartedEventDetails(mapRunArn=record.map_run_arn)
        )
        if self._state.item_reader is not None:
            self._tell_started(0)
            self._tell(HistoryEventType.MapRunStarted, started)
            return self._read_items()
        items = self._value_of(self._state.items or self._state.items_path)
        if not isinstance(items, list):
            raise self._failure(
                StatesErrorNameType.StatesItemReaderFailed,
                f"The Map state's items must be an array but are: {type(items).__name__}",
            )
        self._tell_started(len(items))
        self._tell(HistoryEventType.MapRunStarted, started)
        return items

    def _read_items(self) -> list[Any]:
        reader: Any = self._state.item_reader
        depth = len(self._env.stack)
        try:
            items: list[Any] = self._value_of(reader)
        except (ClientError, json.JSONDecodeError, UnicodeDecodeError) as error:
            del self._env.stack[depth:]
            where = self._value_of(reader.parargs)
            raise self._failure(
                StatesErrorNameType.StatesItemReaderFailed, f"{error} (item source: {where})"
            ) from error
        return items

    def _result(self, run: MapRun) -> Any:
        written = None
        if self._state.result_writer is not None and self._env.is_running():
            written = self._write(run.record)
        if run.failed and run.first_failure is not None:
            child = run.first_failure
            raise self._failure(
                StatesErrorNameType.StatesExceedToleratedFailureThreshold,
                f"{THRESHOLD_EXCEEDED}. First failed child {child.name}: "
                f"{child.error}: {child.cause}",
            )
        if written is not None:
            return written
        if not is_within_size_quota(run.outputs):
            raise self._failure(
                StatesErrorNameType.StatesStatesDataLimitExceeded,
                f"The state/task '{self._state.name}' returned a result with a size exceeding "
                "the maximum number of bytes service limit.",
            )
        return run.outputs

    def _write(self, record: RecordedMapRun) -> dict[str, Any]:
        writer: Any = self._state.result_writer
        place = self._value_of(writer.parargs)
        s3 = boto_client_for(region=self._env.aws_execution_details.region, service="s3")
        try:
            return write_results(
                s3, record, bucket=place["Bucket"], prefix=place.get("Prefix") or ""
            )
        except ClientError as error:
            raise self._failure(
                StatesErrorNameType.StatesResultWriterFailed, f"{error} (destination: {place})"
            ) from error

    def authorise(self, allows: Allows) -> None:
        """A map starts executions of its own state machine, which its role must be allowed.

        https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        """
        caller = session_of(self._env.aws_execution_details.role_arn, SESSION_NAME)
        machine_arn = self._context()["StateMachine"]["Id"]
        try:
            allows(caller, "states:StartExecution", machine_arn, {})
        except Refused as refusal:
            raise self._failure(StatesErrorNameType.StatesPermissions, refusal.message) from refusal

    def _failure(self, error: StatesErrorNameType, cause: str) -> FailureEventException:
        return FailureEventException(
            FailureEvent(
                env=self._env,
                error_name=StatesErrorName(typ=error),
                event_type=HistoryEventType.MapRunFailed,
                event_details=event_details(
                    mapRunFailedEventDetails=MapRunFailedEventDetails(
                        error=error.to_name(), cause=cause
                    )
                ),
            )
        )

    def _tell_started(self, length: int) -> None:
        details = MapStateStartedEventDetails(length=length)
        self._tell(
            HistoryEventType.MapStateStarted, event_details(mapStateStartedEventDetails=details)
        )

    def _tell(
        self, event: HistoryEventType, details: EventDetails | None = None, *, follows: bool = True
    ) -> None:
        self._env.event_manager.add_event(
            context=self._env.event_history_context,
            event_type=event,
            event_details=details,
            update_source_event_id=follows,
        )
