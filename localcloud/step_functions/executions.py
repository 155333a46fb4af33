"""Executions that always end in a status: unique names, a stop that holds, no error lost.

It decides how an execution starts and ends; what its states do is the interpreter's business.
"""

from __future__ import annotations

import datetime
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser.api import (
    ExecutionFailedEventDetails,
    ExecutionStartedEventDetails,
    ExecutionStatus,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from localcloud.step_functions.history import event_details
from localcloud.step_functions.logs import history_logs

log = logging.getLogger(__name__)

_ENDED_NOWHERE = {"error": "States.Runtime", "cause": "The execution reached no terminal state."}

_live: dict[threading.Thread, RunningExecution] = {}
_live_lock = threading.Lock()


class _Worker(ExecutionWorker):
    """Runs one execution in its own thread and reports its end, whatever the end is."""

    env: Environment

    def __init__(self, termination: _Termination, **parts: Any) -> None:
        super().__init__(exec_comm=termination, **parts)
        self._termination = termination
        # Made before the thread runs: ListMapRuns reads it as soon as StartExecution answers.
        self.env = self._get_evaluation_environment()

    def start(self) -> None:
        thread = threading.Thread(target=self._run, name="execution", daemon=True)
        with _live_lock:
            _live[thread] = self._termination.execution
        thread.start()

    def _run(self) -> None:
        try:
            self._evaluate()
        finally:
            with _live_lock:
                _live.pop(threading.current_thread(), None)

    def _evaluate(self) -> None:
        try:
            self._record_start()
            self._get_evaluation_entrypoint().eval(self.env)
        except Exception as error:
            log.exception("execution stopped by an error of the interpreter")
            details = ExecutionFailedEventDetails(
                error="States.Runtime", cause=f"{type(error).__name__}: {error}"
            )
            self.env.set_error(details)
        self._termination.terminated()

    def _record_start(self) -> None:
        details = self._evaluation_details
        self.env.event_manager.add_event(
            context=self.env.event_history_context,
            event_type=HistoryEventType.ExecutionStarted,
            event_details=event_details(
                executionStartedEventDetails=ExecutionStartedEventDetails(
                    input=to_json_str(details.execution_details.inpt),
                    inputDetails=HistoryEventExecutionDataDetails(truncated=False),
                    roleArn=details.aws_execution_details.role_arn,
                )
            ),
            update_source_event_id=False,
        )


class _Termination(BaseExecutionWorkerCommunication):
    """Writes the end of an execution into its record, once."""

    execution: RunningExecution

    def terminated(self) -> None:
        execution = self.execution
        with execution.ending:
            if execution.exec_status != ExecutionStatus.RUNNING:
                return
            execution.stop_date = datetime.datetime.now(tz=datetime.UTC)
            state = execution.exec_worker.env.program_state()
            if isinstance(state, ProgramEnded):
                execution.output = execution.exec_worker.env.states.get_input()
                execution.exec_status = ExecutionStatus.SUCCEEDED
            elif isinstance(state, ProgramTimedOut):
                execution.error = "States.Timeout"
                execution.exec_status = ExecutionStatus.TIMED_OUT
            else:
                details = getattr(state, "error", None) or _ENDED_NOWHERE
                execution.error = details.get("error")
                execution.cause = details.get("cause")
                execution.exec_status = ExecutionStatus.FAILED


class RunningExecution(Execution):
    """moto's execution with a worker whose errors end it, and a stop that takes effect at once."""

    exec_worker: _Worker

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ending = threading.Lock()

    def _get_start_execution_worker(self) -> _Worker:
        worker = super()._get_start_execution_worker()
        return _Worker(
            evaluation_details=worker._evaluation_details,
            termination=_Termination(self),
            cloud_watch_logging_session=history_logs(self),
            activity_store=self._activity_store,
        )

    def stop(
        self, stop_date: datetime.datetime | None, error: str | None, cause: str | None
    ) -> None:
        """ABORTED from now on, while a task in flight still runs to its end, as on AWS."""
        with self.ending:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self.exec_status = ExecutionStatus.ABORTED
            self.stop_date = stop_date or datetime.datetime.now(tz=datetime.UTC)
            self.error, self.cause = error or None, cause or None
        super().stop(stop_date=self.stop_date, error=error, cause=cause)


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
    with _live_lock:
        running = list(_live.values())
    for execution in running:
        execution.stop(stop_date=None, error=None, cause=None)


def await_executions(timeout_s: float = 5) -> None:
    """Wait for the threads of stopped executions; what is still there afterwards is logged."""
    with _live_lock:
        threads = list(_live)
    for thread in threads:
        thread.join(timeout_s)
        if thread.is_alive():
            log.warning("an execution did not end within %s s of its stop", timeout_s)
