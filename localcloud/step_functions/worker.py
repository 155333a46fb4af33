"""One attempt at an execution, in a thread of its own, that always reports its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from moto.stepfunctions.parser.api import (
    ExecutionFailedEventDetails,
    ExecutionRedrivenEventDetails,
    ExecutionStartedEventDetails,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import EvaluationDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from localcloud.step_functions.history import History, event_details
from localcloud.step_functions.logs import history_logs
from localcloud.step_functions.progress import attach, progress_of

log = logging.getLogger(__name__)

live_attempts: dict[threading.Thread, Attempt] = {}
live_lock = threading.Lock()


class Attempt(ExecutionWorker):
    """The first attempt, or the redrive of `former`: its history and map runs go on in this one.

    `ended` is called once, at its end; `redrive_count` is 0 for the first.
    """

    env: Environment

    def __init__(
        self,
        execution: Execution,
        details: EvaluationDetails,
        *,
        ended: Callable[[Attempt], None],
        redrive_count: int = 0,
        former: Attempt | None = None,
    ) -> None:
        session = history_logs(execution)
        super().__init__(
            evaluation_details=details,
            exec_comm=BaseExecutionWorkerCommunication(execution),
            cloud_watch_logging_session=session,  # type: ignore[arg-type]
            activity_store=execution._activity_store,
        )
        self.execution = execution
        self._ended = ended
        self._redrive_count = redrive_count
        # Made before the thread runs: ListMapRuns reads it as soon as StartExecution answers.
        self.env = self._get_evaluation_environment()
        # Running from now on: a stop that came before the first state would not be heard.
        self.env.next_state_name = ""
        self.history: History = History(session, continues=former.history if former else None)
        self.env.event_manager = self.history
        if former is not None:
            self.env.map_run_record_pool_manager = former.env.map_run_record_pool_manager
            attach(self.env, progress_of(former.env).resumed())

    @property
    def details(self) -> EvaluationDetails:
        return self._evaluation_details

    def start(self) -> None:
        thread = threading.Thread(target=self._run, name="execution", daemon=True)
        with live_lock:
            live_attempts[thread] = self
        thread.start()

    def _run(self) -> None:
        try:
            self._evaluate()
        finally:
            with live_lock:
                live_attempts.pop(threading.current_thread(), None)

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
        self._ended(self)

    def _record_start(self) -> None:
        if self._redrive_count:
            redriven = ExecutionRedrivenEventDetails(redriveCount=self._redrive_count)
            self.history.add_event(
                context=self.env.event_history_context,
                event_type=HistoryEventType.ExecutionRedriven,
                event_details=event_details(executionRedrivenEventDetails=redriven),
            )
            return
        details = self._evaluation_details
        started = ExecutionStartedEventDetails(
            input=to_json_str(details.execution_details.inpt),
            inputDetails=HistoryEventExecutionDataDetails(truncated=False),
            roleArn=details.aws_execution_details.role_arn,
        )
        self.history.add_event(
            context=self.env.event_history_context,
            event_type=HistoryEventType.ExecutionStarted,
            event_details=event_details(executionStartedEventDetails=started),
            update_source_event_id=False,
        )
