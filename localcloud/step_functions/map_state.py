"""The Map state in DISTRIBUTED mode: moto calls a map with failed children SUCCEEDED.

It reads the items (map_items.py), runs the children (map_run.py), writes the results
(map_results.py) and says what happened (map_events.py). Inline maps stay moto's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (  # noqa: E501
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.quotas import is_within_size_quota

from localcloud.iam.callers import session_of
from localcloud.iam.gate import Allows
from localcloud.identity.errors import Refused
from localcloud.step_functions.clients import SESSION_NAME
from localcloud.step_functions.map_children import ChildWorkflow
from localcloud.step_functions.map_events import MapEvents
from localcloud.step_functions.map_items import batches, read_items
from localcloud.step_functions.map_record import RecordedMapRun
from localcloud.step_functions.map_results import transformed, write_results
from localcloud.step_functions.map_run import MapRun
from localcloud.step_functions.map_settings import settings_of
from localcloud.step_functions.progress import progress_of

# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
MAX_REDRIVES = 1_000

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
        self._events = MapEvents(env)
        self._settings = settings_of(state)
        self._map_input = env.states.get_input()

    def evaluate(self) -> None:
        """Leave the map's result on the interpreter's stack, or raise the failure of the map."""
        progress = progress_of(self._env)
        former = progress.take_former()
        record = former if isinstance(former, RecordedMapRun) else self._new_record()
        self._record = record
        try:
            if record is former:
                self._redrive(record)
            else:
                self._plan(record, self._items(record))
                progress.nested = record
            run = MapRun(
                env=self._env,
                workflow=self._workflow(record),
                record=record,
                child_input=self._child_input,
            )
            run.run()
            result = self._result(run)
        except Exception as error:
            # What is no failure of a state ends the whole execution, and the map run with it.
            if isinstance(error, FailureEventException):
                self._events.failed(error)
            record.set_stop(status=MapRunStatus.FAILED)
            raise
        if not self._env.is_running():
            return
        record.set_stop(status=MapRunStatus.SUCCEEDED)
        record.inputs = []
        self._events.run_succeeded()
        self._env.stack.append(result)
        self._events.state_succeeded()

    def _value_of(self, component: Any) -> Any:
        component.eval(self._env)
        return self._env.stack.pop()

    def _context(self) -> Any:
        return self._env.states.context_object.context_object_data

    def _new_record(self) -> RecordedMapRun:
        record = RecordedMapRun(
            express=self._settings.express,
            definition=self._settings.definition,
            state_machine_arn=self._context()["StateMachine"]["Id"],
            execution_arn=self._context()["Execution"]["Id"],
            max_concurrency=self._value_of(self._state.max_concurrency_decl),
            tolerated_failure_count=self._value_of(self._state.tolerated_failure_count_decl),
            tolerated_failure_percentage=self._value_of(
                self._state.tolerated_failure_percentage_decl
            ),
            label=self._state.label.label if self._state.label else None,
        )
        self._env.map_run_record_pool_manager.add(record)
        return record

    def _redrive(self, record: RecordedMapRun) -> None:
        if record.redrive_count >= MAX_REDRIVES:
            raise self._events.failure(
                StatesErrorNameType.StatesRuntime,
                f"The Map Run was redriven {MAX_REDRIVES} times, which is the limit.",
            )
        record.redrive()
        self._events.redriven(record.map_run_arn, record.redrive_count)

    def _workflow(self, record: RecordedMapRun) -> ChildWorkflow:
        kind = ":express:" if record.express else ":execution:"
        return ChildWorkflow(
            program=self._state.iteration_component._get_iteration_program(),
            execution_arn_prefix=record.map_state_machine_arn.replace(":stateMachine:", kind),
            express=record.express,
        )

    def _child_input(self, frame: Environment, index: int) -> Any:
        """The input of the child at `index`, made in its frame; batches are made before."""
        given = self._record.inputs[index]
        return given if self._settings.batcher is not None else self._selected(frame, index, given)

    def _selected(self, frame: Environment, index: int, item: Any) -> Any:
        selector = self._state.item_selector or self._state.parameters
        if selector is None:
            return item
        context = frame.states.context_object.context_object_data
        context["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        return self._filled(selector, frame)

    def _filled(self, template: Any, frame: Environment) -> Any:
        """A payload template with the values of the map's own input."""
        frame.states.reset(input_value=self._map_input)
        frame.stack.append(frame.states.get_input())
        template.eval(frame)
        filled = frame.stack.pop()
        frame.stack.clear()
        return filled

    def _plan(self, record: RecordedMapRun, items: list[Any]) -> None:
        batcher = self._settings.batcher
        if batcher is None:
            record.plan(items, None)
            return
        frame = self._env.open_frame()
        batch_input = None
        if batcher.batch_input is not None:
            batch_input = self._filled(batcher.batch_input, frame)
        chosen = (self._selected(frame, index, item) for index, item in enumerate(items))
        try:
            inputs = list(batches(chosen, batcher, batch_input))
        except ValueError as error:
            raise self._events.failure(
                StatesErrorNameType.StatesItemReaderFailed, f"ItemBatcher: {error}"
            ) from error
        finally:
            self._env.delete_frame(frame)
        record.plan(inputs, [len(given["Items"]) for given in inputs])

    def _items(self, record: RecordedMapRun) -> list[Any]:
        if self._state.item_reader is not None:
            self._events.started(record.map_run_arn, 0)
            return self._read_items()
        items = self._value_of(self._state.items or self._state.items_path)
        if not isinstance(items, list):
            raise self._events.failure(
                StatesErrorNameType.StatesItemReaderFailed,
                f"The Map state's items must be an array but are: {type(items).__name__}",
            )
        self._events.started(record.map_run_arn, len(items))
        return items

    def _read_items(self) -> list[Any]:
        reader: Any = self._state.item_reader
        depth = len(self._env.stack)
        try:
            return read_items(reader, self._env, lines=self._settings.lines)
        except (BotoCoreError, ClientError, ValueError) as error:
            del self._env.stack[depth:]
            where = self._value_of(reader.parargs) if reader.parargs is not None else {}
            raise self._events.failure(
                StatesErrorNameType.StatesItemReaderFailed, f"{error} (item source: {where})"
            ) from error

    def _result(self, run: MapRun) -> Any:
        written = None
        if self._state.result_writer is not None and self._env.is_running():
            written = self._write(run.record)
        if run.failed:
            raise self._events.failure(
                StatesErrorNameType.StatesExceedToleratedFailureThreshold, THRESHOLD_EXCEEDED
            )
        if written is not None:
            return written
        transformation = self._settings.transformation or "COMPACT"
        outputs = transformed(run.record.started(), run.record, transformation)
        if not is_within_size_quota(outputs):
            raise self._events.failure(
                StatesErrorNameType.StatesStatesDataLimitExceeded,
                f"The state/task '{self._state.name}' returned a result with a size exceeding "
                "the maximum number of bytes service limit.",
            )
        return outputs

    def _write(self, record: RecordedMapRun) -> dict[str, Any]:
        writer: Any = self._state.result_writer
        place = self._value_of(writer.parargs) if writer.parargs is not None else {}
        if not place.get("Bucket"):
            raise self._events.failure(
                StatesErrorNameType.StatesResultWriterFailed,
                f"Parameters.Bucket: missing; allowed: a bucket's name (destination: {place})",
            )
        s3 = boto_client_for(region=self._env.aws_execution_details.region, service="s3")
        try:
            return write_results(
                s3,
                record,
                bucket=place["Bucket"],
                prefix=place.get("Prefix") or "",
                transformation=self._settings.transformation or "NONE",
                output_type=self._settings.output_type,
            )
        except (BotoCoreError, ClientError) as error:
            raise self._events.failure(
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
            raise self._events.failure(
                StatesErrorNameType.StatesPermissions, refusal.message
            ) from refusal
