"""How the states of a program follow one another, from the first or from where a redrive begins.

Stock starts two threads per program that stay in a list for ever, and forgets at a failure which
state was being evaluated with which input. What a state means is left to moto.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut

from localcloud.step_functions.history import History
from localcloud.step_functions.progress import progress_of
from localcloud.step_functions.stopping import keep_stop

log = logging.getLogger(__name__)


def evaluate_program(program: Program, env: Environment) -> None:
    """Program.eval, in the caller's thread unless a TimeoutSeconds bounds it.

    A redriven program has all of its TimeoutSeconds again.
    """
    keep_stop(env)
    if env.program_state() is not None and not env.is_running():
        return
    progress = progress_of(env)
    if progress.state is None:
        env.next_state_name = program.start_at.start_at_name
    else:
        env.next_state_name = progress.state
        progress.restore(env)
        if isinstance(env.event_manager, History):
            env.event_manager.expect_reentry(env.event_history_context)
    if program.timeout_seconds is None:
        _run_states(program, env)
        return
    run = functools.partial(_run_states, program, env)
    thread = threading.Thread(target=run, name="program", daemon=True)
    thread.start()
    thread.join(program.timeout_seconds.timeout_seconds)
    if thread.is_alive():
        env.set_timed_out()


def _run_states(program: Program, env: Environment) -> None:
    progress = progress_of(env)
    try:
        while env.is_running():
            name: str = env.next_state_name  # type: ignore[assignment]
            progress.enter(env, name)
            program._get_state(name).eval(env)
            env.stack.clear()
            env.heap.clear()
    except FailureEventException as failure:
        details = failure.get_execution_failed_event_details()
        if details is not None and details.get("error") == "States.DataLimitExceeded":
            # A redrive runs such a state again with all that is inside it.
            progress.nested = None
        _fail(env, details or ExecutionFailedEventDetails())
    except Exception as error:
        log.debug("a state stopped by an error of the interpreter", exc_info=True)
        cause = f"{type(error).__name__}({error})"
        _fail(env, ExecutionFailedEventDetails(error="States.Runtime", cause=cause))


def _fail(env: Environment, details: ExecutionFailedEventDetails) -> None:
    if not isinstance(env.program_state(), (ProgramStopped, ProgramTimedOut)):
        env.set_error(error=details)


def set_next(stock: Callable[[CommonStateField, Environment], None]) -> Callable[..., None]:
    """CommonStateField._set_next that notes where the program is when its state has ended."""

    def replacement(state: CommonStateField, env: Environment) -> None:
        if not env.is_running():
            return
        stock(state, env)
        progress = progress_of(env)
        if env.is_running():
            progress.enter(env, env.next_state_name)  # type: ignore[arg-type]
        else:
            progress.end(env)

    return replacement
