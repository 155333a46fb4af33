"""Which job runs next and where, and what its end means for others.

Jobs of a queue start in the order in which they became RUNNABLE; the first that has no place keeps
those behind it waiting. An environment runs jobs of as many vCPUs as its maximum, and this machine
at most as many as it has cores, or one job. Everything here happens under the service's lock, when
something has happened: nothing is polled.
https://docs.aws.amazon.com/batch/latest/userguide/job_scheduling.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from botocore.exceptions import ClientError

from localcloud.batch.environments import ComputeEnvironment, ComputeEnvironments
from localcloud.batch.jobs import (
    ENDED,
    FAILED,
    PENDING,
    PLACED,
    RUNNABLE,
    RUNNING,
    STARTING,
    SUBMITTED,
    SUCCEEDED,
    ArrayJob,
    Attempt,
    Job,
    now_ms,
)
from localcloud.batch.machines import fits
from localcloud.batch.queues import JobQueue, JobQueues
from localcloud.batch.runner import NOT_STARTED, TIMED_OUT, Placement, Runner
from localcloud.batch.submission import DEPENDENCY_FAILED

log = logging.getLogger(__name__)

CHILD_FAILED = "Array Child Job failed"
# https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
TOO_LARGE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is "
    "higher than that can be met by the CE(s) attached to the job queue."
)


class Scheduler:
    """Of one cloud; `lock` is held by whoever calls."""

    def __init__(
        self,
        lock: threading.RLock,
        environments: ComputeEnvironments,
        queues: JobQueues,
        runner: Runner,
        *,
        width: int,
    ) -> None:
        self._lock = lock
        self._environments = environments
        self._queues = queues
        self._runner = runner
        self._width = width
        self._placements: dict[Job, Placement] = {}
        self._threads: set[threading.Thread] = set()
        self._stopping = False

    def submit(self, job: Job) -> None:
        """Take a new job, whose dependencies are known."""
        for child in _runs(job):
            if child.stop_reason is not None:
                self._end(child, FAILED, child.stop_reason)
            elif child.waits_for:
                child.become(PENDING)
            else:
                self._runnable(child)
        if job.status == SUBMITTED:
            job.become(PENDING)
        self.schedule()

    def schedule(self) -> None:
        """Start what has a place now."""
        if self._stopping:
            return
        self._scale()
        for queue in sorted(self._queues.by_name.values(), key=lambda queue: -queue.priority):
            while (job := _first(queue)) is not None:
                environment = self._place(job, queue)
                if environment is None:
                    break
                queue.runnable.popleft()
                self._start(job, environment)

    def stop_job(self, job: Job, reason: str, *, terminate: bool) -> None:
        """Cancel what does not run; what runs goes on unless it is to be terminated."""
        for child in _runs(job):
            if child.status in ENDED or (child.status in PLACED and not terminate):
                continue
            child.stop_reason, child.terminated = reason, terminate
            if child.status in PLACED:
                self._placements[child].ask("stop")
            else:
                self._end(child, FAILED, reason)
        self.schedule()

    def placements(self) -> list[Placement]:
        """What runs now."""
        with self._lock:
            return list(self._placements.values())

    def stop(self) -> None:
        """Kill what runs and wait for it; not to be called under the lock."""
        with self._lock:
            self._stopping = True
            threads = list(self._threads)
            for placement in self._placements.values():
                placement.ask("kill")
        for thread in threads:
            thread.join()

    def _place(self, job: Job, queue: JobQueue) -> ComputeEnvironment | None:
        vcpus = job.container.vcpus
        enabled = [
            environment
            for environment in map(self._environments.get, queue.environments)
            if environment.state == "ENABLED"
        ]
        possible = [each for each in enabled if _could_run(each, job)]
        if enabled and not possible:
            job.status_reason = TOO_LARGE
        used = sum(placement.job.container.vcpus for placement in self._placements.values())
        if used and used + vcpus > self._width:
            return None
        for environment in possible:
            if environment.used_vcpus + vcpus <= environment.max_vcpus:
                return environment
        return None

    def _start(self, job: Job, environment: ComputeEnvironment) -> None:
        job.queue.waiting_vcpus -= job.container.vcpus
        job.become(STARTING)
        job.status_reason = None
        environment.used_vcpus += job.container.vcpus
        instances = environment.machines.ids
        placement = Placement(job, environment, instances[0] if instances else "")
        self._placements[job] = placement
        thread = threading.Thread(
            target=self._run, args=(placement,), name=f"batch-{job.job_id}", daemon=True
        )
        self._threads.add(thread)
        thread.start()

    def _run(self, placement: Placement) -> None:
        def running(attempt: Attempt) -> None:
            with self._lock:
                placement.job.current = attempt
                placement.job.started_at = attempt.started_at
                placement.job.become(RUNNING)

        try:
            attempt = self._runner.run(placement, running)
        except Exception as error:
            log.exception("job %s could not be run", placement.job.job_id)
            attempt = Attempt(NOT_STARTED, reason=f"{type(error).__name__}: {error}")
        with self._lock:
            self._threads.discard(threading.current_thread())
            self._finished(placement, attempt)
            self.schedule()

    def _finished(self, placement: Placement, attempt: Attempt) -> None:
        job = placement.job
        del self._placements[job]
        placement.environment.used_vcpus -= job.container.vcpus
        job.attempts.append(attempt)
        job.current = None
        if job.stop_reason is not None:
            self._end(job, FAILED, job.stop_reason)
        elif attempt.succeeded:
            self._end(job, SUCCEEDED, attempt.status_reason)
        elif attempt.status_reason != TIMED_OUT and job.retry.again(
            len(job.attempts),
            status_reason=attempt.status_reason,
            reason=attempt.reason,
            exit_code=attempt.exit_code,
        ):
            self._runnable(job)
        else:
            self._end(job, FAILED, attempt.status_reason)

    def _runnable(self, job: Job) -> None:
        job.become(RUNNABLE)
        job.queue.runnable.append(job)
        job.queue.waiting_vcpus += job.container.vcpus

    def _end(self, job: Job, status: str, reason: str | None) -> None:
        """The end of a job, of those that wait for it in vain, and of its array."""
        ending: list[tuple[Job, str, str | None]] = [(job, status, reason)]
        while ending:
            job, status, reason = ending.pop()
            if job.status in ENDED:
                continue
            if job.status == RUNNABLE:
                job.queue.waiting_vcpus -= job.container.vcpus
            job.become(status)
            job.status_reason = reason
            job.stopped_at = now_ms()
            dependents, job.dependents = job.dependents, []
            for later in dependents:
                if status == FAILED:
                    ending.append((later, FAILED, DEPENDENCY_FAILED))
                elif later.status not in ENDED:
                    later.waits_for -= 1
                    if not later.waits_for:
                        self._runnable(later)
            array = job.array
            if array is not None and array.ended_children == len(array.children):
                failed = array.counts[FAILED] > 0
                outcome = (FAILED, CHILD_FAILED) if failed else (SUCCEEDED, None)
                ending.append((array, *outcome))

    def _scale(self) -> None:
        """Every environment to what its jobs need, those that wait for a place included."""
        wanted = {
            environment.arn: environment.used_vcpus
            for environment in self._environments.by_name.values()
        }
        for queue in self._queues.by_name.values():
            for arn in queue.environments:
                if self._environments.get(arn).state == "ENABLED":
                    wanted[arn] += queue.waiting_vcpus
                    break
        for environment in self._environments.by_name.values():
            vcpus = max(wanted[environment.arn], environment.min_vcpus)
            try:
                environment.machines.scale_to(vcpus, environment.resources)
            except ClientError as error:
                log.warning("%s: no instances: %s", environment.name, error)


def _could_run(environment: ComputeEnvironment, job: Job) -> bool:
    """Whether there is a place for the job when nothing else runs."""
    vcpus, memory_mib = job.container.vcpus, job.container.memory_mib
    types = environment.resources["instanceTypes"]
    return vcpus <= environment.max_vcpus and bool(fits(types, vcpus=vcpus, memory_mib=memory_mib))


def _first(queue: JobQueue) -> Job | None:
    """The next that waits; those that ended meanwhile are dropped."""
    while queue.runnable:
        if queue.runnable[0].status == RUNNABLE:
            return queue.runnable[0]
        queue.runnable.popleft()
    return None


def _runs(job: Job) -> Iterator[Job]:
    """What a container runs for: the job, or an array's children."""
    yield from job.children if isinstance(job, ArrayJob) else (job,)
