"""Executions that always end in a status: unique names, a stop that holds, no error lost.

It decides how an execution starts, ends and goes on; what its states do is the interpreter's
business, and one attempt at it is worker.py's.
"""

from __future__ import annotations

import datetime
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionStatus,
    ExecutionSucceededEventDetails,
    ExecutionTimedOutEventDetails,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from localcloud.monitoring.metrics import Metrics
from localcloud.step_functions import redrive
from localcloud.step_functions.errors import ExecutionLimitExceeded, ExecutionNotRedrivable
from localcloud.step_functions.history import event_details
from localcloud.step_functions.metrics import ExecutionMetrics
from localcloud.step_functions.worker import Attempt, live_attempts, live_lock

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_OPEN_EXECUTIONS = 1_000_000

_ENDED_NOWHERE = {"error": "States.Runtime", "cause": "The execution reached no terminal state."}


class RunningExecution(Execution):
    """moto's execution, whose errors end it, whose stop takes effect at once, and redrivable."""

    exec_worker: Attempt
    # Those of the cloud in which it runs: see `measured`.
    metrics: ClassVar[ExecutionMetrics]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ending = threading.Lock()
        self.redrive_count = 0
        self.redrive_date: datetime.datetime | None = None
        self._redrives = redrive.RecentTokens()

    def start(self) -> None:
        super().start()
        self.metrics.started(self.state_machine_arn)

    def _get_start_execution_worker(self) -> Attempt:
        details = super()._get_start_execution_worker()._evaluation_details
        return Attempt(self, details, ended=self.ended)

    def ended(self, attempt: Attempt) -> None:
        """Write the end of `attempt` into this record, unless it has ended or goes on elsewhere."""
        with self.ending:
            if self.exec_worker is not attempt or self.exec_status != ExecutionStatus.RUNNING:
                return
            state = attempt.env.program_state()
            if isinstance(state, ProgramEnded):
                self.output = attempt.env.states.get_input()
                self._end(
                    ExecutionStatus.SUCCEEDED,
                    HistoryEventType.ExecutionSucceeded,
                    event_details(executionSucceededEventDetails=_succeeded(self.output)),
                )
            elif isinstance(state, ProgramTimedOut):
                self.error = "States.Timeout"
                self._end(
                    ExecutionStatus.TIMED_OUT,
                    HistoryEventType.ExecutionTimedOut,
                    event_details(executionTimedOutEventDetails=ExecutionTimedOutEventDetails()),
                )
            else:
                found: Any = getattr(state, "error", None) or _ENDED_NOWHERE
                details = {name: found[name] for name in ("error", "cause") if name in found}
                self.error, self.cause = details.get("error"), details.get("cause")
                self._end(
                    ExecutionStatus.FAILED,
                    HistoryEventType.ExecutionFailed,
                    event_details(executionFailedEventDetails=details),
                )

    def stop(
        self, stop_date: datetime.datetime | None, error: str | None, cause: str | None
    ) -> None:
        """ABORTED from now on, while a task in flight still runs to its end, as on AWS."""
        with self.ending:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self.error, self.cause = error or None, cause or None
            self.exec_worker.env.event_history_context.source_event_id = 0
            details = ExecutionAbortedEventDetails(error=error, cause=cause)
            self._end(
                ExecutionStatus.ABORTED,
                HistoryEventType.ExecutionAborted,
                event_details(executionAbortedEventDetails=details),
            )
            self.exec_worker.stop(stop_date=redrive.now(), error=error, cause=cause)

    def _end(self, status: ExecutionStatus, event: HistoryEventType, details: EventDetails) -> None:
        attempt = self.exec_worker
        self.stop_date = redrive.now()
        attempt.history.add_event(
            context=attempt.env.event_history_context, event_type=event, event_details=details
        )
        attempt.history.close()
        self.metrics.ended(
            self.state_machine_arn,
            status.value,
            begun=self.redrive_date or self.start_date,
            ended=self.stop_date,
            redriven=self.redrive_count > 0,
        )
        self.exec_status = status

    def why_not_redrivable(self) -> str | None:
        """AWS's reason; None where RedriveExecution would restart this execution."""
        if self.sm_type == "EXPRESS":
            return redrive.EXPRESS
        return redrive.why_not(
            self.exec_status,  # type: ignore[arg-type]
            events=len(self.exec_worker.history),
            started=self.start_date,
            stopped=self.stop_date,
        )

    def redrive(self, token: str | None, *, open_executions: int) -> datetime.datetime:
        """Go on from the state that did not succeed, with its input; returns the redrive's date.

        The definition, role and name are those of the start.
        Raises ExecutionNotRedrivable and ExecutionLimitExceeded.
        """
        with self.ending:
            repeated = self._redrives.date_of(token)
            if repeated is not None:
                return repeated
            reason = self.why_not_redrivable()
            if reason is not None:
                raise ExecutionNotRedrivable(reason)
            if open_executions >= MAX_OPEN_EXECUTIONS:
                raise ExecutionLimitExceeded
            self.redrive_count += 1
            self.redrive_date = redrive.now()
            self._redrives.remember(token, self.redrive_date)
            self.stop_date = self.error = self.cause = None
            former = self.exec_worker
            self.exec_worker = Attempt(
                self,
                former.details,
                ended=self.ended,
                redrive_count=self.redrive_count,
                former=former,
            )
            self.exec_status = ExecutionStatus.RUNNING
            self.exec_worker.start()
            self.metrics.redriven(self.state_machine_arn)
            return self.redrive_date


def measured(metrics: Metrics) -> type[RunningExecution]:
    """Executions that publish into the metrics of one cloud."""

    class Measured(RunningExecution):
        """What moto makes when an execution starts."""

    Measured.metrics = ExecutionMetrics(metrics)
    return Measured


def _succeeded(output: Any) -> ExecutionSucceededEventDetails:
    return ExecutionSucceededEventDetails(
        output=to_json_str(output, separators=(",", ":")),
        outputDetails=HistoryEventExecutionDataDetails(truncated=False),
    )


def started_once(start: Callable[..., Execution]) -> Callable[..., Execution]:
    """StartExecution with a name for every execution, and one execution for two equal requests."""
    lock = threading.Lock()

    def start_execution(
        backend: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Execution:
        if name:
            backend._validate_name(name)
        with lock:
            return start(
                backend, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header
            )

    return start_execution


def deleting(delete: Callable[..., None]) -> Callable[..., None]:
    """DeleteStateMachine, which ends the machine's executions: nobody could ask for them any more.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
    """

    def delete_state_machine(backend: StepFunctionBackend, arn: str) -> None:
        running = [
            execution
            for machine in backend.state_machines
            if machine.arn == arn
            for execution in machine.executions
        ]
        delete(backend, arn)
        for execution in running:
            execution.stop(stop_date=None, error=None, cause=None)

    return delete_state_machine


def stop_executions() -> None:
    """Abort every execution that runs in this process, those of deleted state machines included."""
    with live_lock:
        running = {attempt.execution for attempt in live_attempts.values()}
    for execution in running:
        execution.stop(stop_date=redrive.now(), error=None, cause=None)


def await_executions(timeout_s: float = 5) -> None:
    """Wait for the threads of stopped executions; what is still there afterwards is logged."""
    with live_lock:
        threads = list(live_attempts)
    for thread in threads:
        thread.join(timeout_s)
        if thread.is_alive():
            log.warning("an execution did not end within %s s of its stop", timeout_s)
