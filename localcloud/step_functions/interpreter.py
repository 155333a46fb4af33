"""How moto's interpreter of Amazon States Language evaluates a state: fewer threads, stoppable.

Stock, each state starts two threads that stay in a list for ever, and a Retry sleeps on after its
execution was stopped.
What a state means is left to moto; programs.py and branches.py say how states follow one another,
map_state.py what a Distributed Map is.
"""

from __future__ import annotations

import contextvars
import copy
import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import (
    MaxAttemptsOutcome,
)
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localcloud.step_functions.acting import acting_as
from localcloud.step_functions.progress import attach, progress_of

log = logging.getLogger(__name__)


def evaluate_with_timeout(state: ExecutionState, env: Environment) -> None:
    """ExecutionState._evaluate_with_timeout, with a thread only where the state has a timeout."""
    state.timeout.eval(env=env)
    timeout_s: int = env.stack.pop()
    frame = env.open_frame()
    attach(frame, progress_of(env))
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    try:
        with acting_as(env.aws_execution_details.role_arn):
            if state.timeout.is_default_value():
                state._eval_execution(frame)
            else:
                _run_bounded(functools.partial(state._eval_execution, frame), timeout_s)
    finally:
        frame.set_ended()
        env.close_frame(frame)
    if not env.is_running():
        # Stopped meanwhile: what the state would have yielded is nobody's business any more.
        return
    output = frame.stack.pop()
    env.stack.append(output)
    if not state._is_language_query_jsonpath():
        env.states.set_result(output)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _run_bounded(run: Callable[[], None], timeout_s: float) -> None:
    """Run to the end or to the timeout; what runs on past it is abandoned, as on AWS."""
    failures: list[Exception] = []
    ended = threading.Event()

    def target() -> None:
        try:
            run()
        except Exception as failure:  # noqa: BLE001 - handed to the waiting thread, which raises it
            failures.append(failure)
        finally:
            ended.set()

    # The thread acts for the same role as this one.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(target,), daemon=True).start()
    if not ended.wait(timeout_s):
        raise EvalTimeoutError
    if failures:
        raise failures[0]


def evaluate_retrier(retrier: RetrierDecl, env: Environment) -> None:
    """RetrierDecl._eval_body, with a wait that ends when the execution does."""
    retrier.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    retrier.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (
        retrier.interval_seconds,
        retrier.backoff_rate,
        retrier.max_delay_seconds,
        retrier.jitter_strategy,
    ):
        part.eval(env=env)
    interval_s: float = env.stack.pop()
    env.program_state_event.wait(interval_s)
    env.stack.append(RetrierOutcome.Executed)


def log_failure(component: EvalComponent, *failure: Exception, **named: Exception) -> None:
    """For debugging only: whoever handles the failure tells of it, in the execution's history."""
    log.debug("%s: %s", type(component).__name__, (*failure, *named.values()))


def component_key(component: Any) -> int:
    """Identity of a component among an execution's counters.

    Stock makes a random one at first use, which two children in two threads can make twice:
    one of them then loses count of its retries.
    """
    return id(component)
