"""One child workflow of a Distributed Map: its own context and history, a record of how it ended.

A child runs in the caller's thread. How many run and how many may fail is for map_run.py to say.
"""

from __future__ import annotations

import datetime
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.asl.eval.states import ExecutionData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.step_functions.history import History, event_details
from localcloud.step_functions.progress import Progress, attach

FAILURES = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT)
UNSUCCESSFUL = (*FAILURES, ExecutionStatus.ABORTED)


@dataclass(slots=True)
class ChildExecution:
    """What is kept of a child: what the API and the ResultWriter tell of it, and how to redrive it.

    `history` is compressed JSON, `progress` is there while the child may be redriven.
    """

    name: str
    execution_arn: str
    start_date: datetime.datetime
    item_count: int = 1
    input: str = "{}"
    status: ExecutionStatus = ExecutionStatus.RUNNING
    stop_date: datetime.datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redrive_count: int = 0
    redrive_date: datetime.datetime | None = None
    event_count: int = 0
    history: bytes | None = None
    progress: Progress | None = None
    status_before_redrive: ExecutionStatus | None = None

    @property
    def unsuccessful(self) -> bool:
        return self.status in UNSUCCESSFUL

    def await_redrive(self) -> None:
        self.status_before_redrive, self.status = self.status, ExecutionStatus.PENDING_REDRIVE

    def give_up_redrive(self) -> None:
        """The map failed before this child's turn came: it is what it was."""
        if self.status_before_redrive is not None:
            self.status, self.status_before_redrive = self.status_before_redrive, None

    def start_redrive(self) -> None:
        self.status, self.status_before_redrive = ExecutionStatus.RUNNING, None
        self.redrive_count += 1
        self.redrive_date = datetime.datetime.now(tz=datetime.UTC)
        self.stop_date = self.error = self.cause = None

    def keep_history(self, history: History) -> None:
        """About 0.6 KB for a child of one task, where the events as they are take 8 KB."""
        self.event_count = len(history)
        self.history = zlib.compress(json.dumps(history.events()).encode(), level=1)

    def events(self) -> list[dict[str, Any]]:
        if self.history is None:
            return []
        events: list[dict[str, Any]] = json.loads(zlib.decompress(self.history))
        return events


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    status: ExecutionStatus
    output: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass
class Attempt:
    """A child while it runs: the frame that it is evaluated in, its position and its history."""

    child: ChildExecution
    frame: Environment
    progress: Progress
    history: History

    def end(self, outcome: Outcome, *, standard: bool) -> None:
        """Write how the child ended into its record; what a late thread still does is not told.

        Of a STANDARD child its history is kept, and its position unless it succeeded.
        """
        child = self.child
        child.status = outcome.status
        child.stop_date = datetime.datetime.now(tz=datetime.UTC)
        child.output, child.error, child.cause = outcome.output, outcome.error, outcome.cause
        if not standard:
            child.progress = None
            return
        self._record_end(outcome)
        self.history.close()
        child.keep_history(self.history)
        child.progress = self.progress if child.unsuccessful else None

    def _record_end(self, outcome: Outcome) -> None:
        told = {"error": outcome.error, "cause": outcome.cause}
        told = {name: value for name, value in told.items() if value is not None}
        details: dict[ExecutionStatus, tuple[HistoryEventType, dict[str, Any]]] = {
            ExecutionStatus.SUCCEEDED: (
                HistoryEventType.ExecutionSucceeded,
                {
                    "executionSucceededEventDetails": {
                        "output": outcome.output,
                        "outputDetails": {"truncated": False},
                    }
                },
            ),
            ExecutionStatus.FAILED: (
                HistoryEventType.ExecutionFailed,
                {"executionFailedEventDetails": told},
            ),
            ExecutionStatus.ABORTED: (
                HistoryEventType.ExecutionAborted,
                {"executionAbortedEventDetails": told},
            ),
            ExecutionStatus.TIMED_OUT: (
                HistoryEventType.ExecutionTimedOut,
                {"executionTimedOutEventDetails": told},
            ),
        }
        event, fields = details[outcome.status]
        self.history.add_event(
            context=self.frame.event_history_context,
            event_type=event,
            event_details=event_details(**fields),
        )


@dataclass(frozen=True)
class ChildWorkflow:
    """What every child of one map run has in common."""

    program: Program
    execution_arn_prefix: str
    express: bool

    def new_child(self, item_count: int) -> ChildExecution:
        name = str(uuid.uuid4())
        arn = f"{self.execution_arn_prefix}:{name}"
        return ChildExecution(
            name=name,
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
            execution_arn=f"{arn}:{uuid.uuid4()}" if self.express else arn,
            start_date=datetime.datetime.now(tz=datetime.UTC),
            item_count=item_count,
        )

    def attempt(self, child: ChildExecution, frame: Environment) -> Attempt:
        """Ready `frame` for the first attempt at `child`, or for the next from where it stopped."""
        history = History()
        history.events().extend(child.events())
        history._event_id_gen._next_id = len(history) + 1
        frame.event_manager = history
        frame.event_history_context = EventHistoryContext.of_program_start()  # type: ignore[misc]
        progress = child.progress.resumed() if child.progress is not None else Progress()
        attach(frame, progress)
        return Attempt(child, frame, progress, history)

    def run(self, attempt: Attempt, child_input: Any) -> Outcome:
        """Evaluate a child to its end; `child_input` makes its input, called in the child's frame.

        Never raises: whatever goes wrong inside a child is how that child failed.
        """
        child, frame = attempt.child, attempt.frame
        try:
            given = (
                child_input(frame) if attempt.progress.state is None else json.loads(child.input)
            )
            child.input = to_json_str(given, separators=(",", ":"))
            self._enter(frame, child, given)
            self._record_start(attempt)
            self.program.eval(frame)
            state = frame.program_state()
        except Exception as error:  # noqa: BLE001 - recorded as the child's error and cause
            return Outcome(
                ExecutionStatus.FAILED,
                error="States.Runtime",
                cause=f"{type(error).__name__}: {error}",
            )
        if isinstance(state, ProgramEnded):
            output = to_json_str(frame.states._states_data["input"], separators=(",", ":"))
            return Outcome(ExecutionStatus.SUCCEEDED, output=output)
        if isinstance(state, ProgramError):
            details: Any = state.error or {}
            return Outcome(
                ExecutionStatus.FAILED, error=details.get("error"), cause=details.get("cause")
            )
        return Outcome(ExecutionStatus.ABORTED)

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

    def _record_start(self, attempt: Attempt) -> None:
        child = attempt.child
        if child.redrive_count:
            attempt.history.add_event(
                context=attempt.frame.event_history_context,
                event_type=HistoryEventType.ExecutionRedriven,
                event_details=event_details(
                    executionRedrivenEventDetails={"redriveCount": child.redrive_count}
                ),
            )
            return
        attempt.history.add_event(
            context=attempt.frame.event_history_context,
            event_type=HistoryEventType.ExecutionStarted,
            event_details=event_details(
                executionStartedEventDetails={
                    "input": child.input,
                    "inputDetails": {"truncated": False},
                    "roleArn": attempt.frame.aws_execution_details.role_arn,
                }
            ),
            update_source_event_id=False,
        )
