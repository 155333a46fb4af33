"""Parallel states and inline Maps: their programs run in threads, and a redrive resumes them.

A branch or iteration that succeeded keeps its result; one that failed or was aborted goes on from
the state it was in. https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
Stock waits for no sibling either, but lets them run on after one has failed.
"""

from __future__ import annotations

import copy
import datetime
import functools
import threading
from queue import SimpleQueue
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (  # noqa: E501
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import (  # noqa: E501
    IterationWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import Job, JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

from localcloud.step_functions.error_names import ReportedName
from localcloud.step_functions.history import event_details
from localcloud.step_functions.progress import Progress, attach, branches_of


def evaluate_branches(branches: BranchesDecl, env: Environment) -> None:
    """BranchesDecl._eval_body; raises the failure of the first branch to fail."""
    given = env.stack.pop()
    positions = branches_of(env, len(branches.programs))
    ended: SimpleQueue[Environment] = SimpleQueue()
    frames = [
        _start_branch(program, position, env, given, ended)
        for program, position in zip(branches.programs, positions, strict=True)
        if not position.ended
    ]
    for _ in frames:
        state = ended.get().program_state()
        if isinstance(state, ProgramError):
            _stop(frames, env)
            raise _failure(env, state)
        if not isinstance(state, ProgramEnded):
            break
    for frame in frames:
        env.close_frame(frame)
    env.stack.append([copy.deepcopy(position.output) for position in positions])


def _start_branch(
    program: Program,
    position: Progress,
    env: Environment,
    given: Any,
    ended: SimpleQueue[Environment],
) -> Environment:
    frame = env.open_inner_frame()
    frame.states.reset(input_value=given)
    attach(frame, position)

    def run() -> None:
        program.eval(frame)
        ended.put(frame)

    threading.Thread(target=run, name="branch", daemon=True).start()
    return frame


def _stop(frames: list[Environment], env: Environment) -> None:
    now = datetime.datetime.now(tz=datetime.UTC)
    for frame in frames:
        frame.set_stop(stop_date=now, cause=None, error=None)
        env.close_frame(frame)


def _failure(env: Environment, state: ProgramError) -> FailureEventException:
    error: Any = state.error or {}
    details = {name: error[name] for name in ("error", "cause") if name in error}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=ReportedName(details.get("error")),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=event_details(executionFailedEventDetails=details),
        )
    )


def evaluate_iterations(component: InlineIterationComponent, env: Environment) -> None:
    """InlineIterationComponent._eval_body: at most MaxConcurrency iterations at once."""
    given = env.stack.pop()
    positions = branches_of(env, len(given.input_items))
    jobs = JobPool(job_program=component._get_iteration_program(), job_inputs=given.input_items)
    _keep_ended(jobs, positions)
    for _ in range(min(given.max_concurrency or len(positions), len(positions))):
        worker = component._create_worker(env=env, eval_input=given, job_pool=jobs)
        work = functools.partial(_work, worker, positions)
        threading.Thread(target=work, name="iterations", daemon=True).start()
    jobs.await_jobs()
    failure = jobs.get_worker_exception()
    if failure is not None:
        raise failure
    env.stack.append([closed.job_output for closed in jobs.get_closed_jobs()])


def _keep_ended(jobs: JobPool, positions: list[Progress]) -> None:
    for job in list(jobs._open_jobs):
        position = positions[job.job_index]
        if position.ended:
            jobs._open_jobs.remove(job)
            job.job_output = copy.deepcopy(position.output)
            jobs.close_job(job)


def _work(worker: IterationWorker, positions: list[Progress]) -> None:
    """IterationWorker.eval as a loop: stock calls itself once per item."""
    frame = worker._env.open_frame()
    job: Job | None = worker._job_pool.next_job()
    if job is None:
        worker._env.close_frame(frame)
    while job is not None:
        job_frame = frame.open_inner_frame()
        attach(job_frame, positions[job.job_index])
        worker._eval_job(env=job_frame, job=job)
        frame.close_frame(job_frame)
        failed = isinstance(job.job_output, Exception) or worker.stopped()
        next_job = None if failed else worker._job_pool.next_job()
        if next_job is None:
            if not failed:
                frame.event_history_context.source_event_id = (
                    job_frame.event_history_context.last_published_event_id
                )
            # Closed before the job, which lets the owner go on with what this frame left behind.
            worker._env.close_frame(frame)
        worker._job_pool.close_job(job)
        job = next_job
