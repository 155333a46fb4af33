"""One child workflow of a Distributed Map: its own context and history, a record of how it ended.

A child runs in the caller's thread. How many run and how many may fail is for map_run.py to say.
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, ItemData, MapData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


@dataclass(slots=True)
class ChildExecution:
    """What is kept of a child: what ListExecutions and the ResultWriter tell of it."""

    name: str
    execution_arn: str
    state_machine_arn: str
    start_date: datetime.datetime
    input: str = "{}"
    status: ExecutionStatus = ExecutionStatus.RUNNING
    stop_date: datetime.datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True)
class ChildWorkflow:
    """What every child of one map run has in common."""

    program: Program
    selector: Any
    map_input: Any
    execution_arn_prefix: str
    state_machine_arn: str

    def new_child(self) -> ChildExecution:
        name = str(uuid.uuid4())
        return ChildExecution(
            name=name,
            execution_arn=f"{self.execution_arn_prefix}:{name}",
            state_machine_arn=self.state_machine_arn,
            start_date=datetime.datetime.now(tz=datetime.UTC),
        )

    def run(self, child: ChildExecution, frame: Environment, index: int, item: Any) -> Any:
        """Evaluate the child to its end in `frame`; returns its output, None unless it succeeded.

        Never raises: whatever goes wrong inside a child is how that child failed.
        """
        # A history of its own, as a child execution has; it goes away with the frame.
        frame.event_manager = EventManager()
        try:
            child_input = self._select(frame, index, item)
            child.input = to_json_str(child_input, separators=(",", ":"))
            self._enter(frame, child, child_input)
            self.program.eval(frame)
            state = frame.program_state()
        except Exception as error:  # noqa: BLE001 - recorded as the child's error and cause
            _fail(child, {"error": "States.Runtime", "cause": f"{type(error).__name__}: {error}"})
            return None
        if isinstance(state, ProgramEnded):
            output = frame.states.get_input()
            child.output = to_json_str(output, separators=(",", ":"))
            _end(child, ExecutionStatus.SUCCEEDED)
            return output
        if isinstance(state, ProgramError):
            _fail(child, state.error or {})
        else:
            _end(child, ExecutionStatus.ABORTED)
        return None

    def _select(self, frame: Environment, index: int, item: Any) -> Any:
        if self.selector is None:
            return item
        context = frame.states.context_object.context_object_data
        context["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        frame.states.reset(input_value=self.map_input)
        frame.stack.append(frame.states.get_input())
        self.selector.eval(frame)
        selected = frame.stack.pop()
        frame.stack.clear()
        return selected

    def _enter(self, frame: Environment, child: ChildExecution, child_input: Any) -> None:
        context: dict[str, Any] = frame.states.context_object.context_object_data  # type: ignore[assignment]
        # AWS keeps $$.Map for the ItemSelector: a child is an execution with a context of its own.
        # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        context.pop("Map", None)
        context["Execution"] = ExecutionData(
            Id=child.execution_arn,
            Input=child_input,
            Name=child.name,
            RoleArn=context["Execution"]["RoleArn"],
            StartTime=child.start_date.isoformat(),
        )
        frame.states.reset(input_value=child_input)


def _end(child: ChildExecution, status: ExecutionStatus) -> None:
    child.status = status
    child.stop_date = datetime.datetime.now(tz=datetime.UTC)


def _fail(child: ChildExecution, details: Any) -> None:
    child.error = details.get("error")
    child.cause = details.get("cause")
    _end(child, ExecutionStatus.FAILED)
