"""From a job that has a place to what came of its container.

The image is one that was pushed to this cloud, as functions have it: a folder and a Python. What
keeps a container from starting ends its attempt with the container agent's own words.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from localcloud.batch.container_log import ContainerLog, NoLogGroupError, stream_name
from localcloud.batch.environments import ComputeEnvironment
from localcloud.batch.jobs import Attempt, Job, now_ms
from localcloud.batch.process import ContainerProcess, Ended
from localcloud.batch.variables import container_variables
from localcloud.context import CloudContext
from localcloud.functions.folders import remove_folder
from localcloud.functions.logs import LogWriter
from localcloud.functions.reaper import Reaper
from localcloud.iam.callers import service
from localcloud.iam.gate import Allows
from localcloud.identity.errors import Refused
from localcloud.identity.sessions import Session, assume
from localcloud.images.dockerfile import TASK_ROOT
from localcloud.images.store import Image, ImageNotFoundError, ImageStore

log = logging.getLogger(__name__)

EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"
NOT_STARTED = "Task failed to start"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_ECS_TASKS = "ecs-tasks.amazonaws.com"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html: at most 12 hours
_CREDENTIALS_S = 12 * 3600


@dataclass(eq=False)
class Placement:
    """A job with its place in an environment, and its process while there is one."""

    job: Job
    environment: ComputeEnvironment
    instance_id: str
    task_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    process: ContainerProcess | None = None
    # "stop" or "kill", asked for before or while there is a process.
    wish: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, wish: str) -> None:
        """Have the container stopped, or killed."""
        with self._lock:
            self.wish = wish
            self._carry_out()

    def started(self, process: ContainerProcess) -> None:
        with self._lock:
            self.process = process
            self._carry_out()

    def _carry_out(self) -> None:
        if self.process is not None and self.wish == "stop":
            self.process.stop()
        if self.process is not None and self.wish == "kill":
            self.process.kill()


class _NotStartedError(Exception):
    """There is no container; `reason` is what the agent says about it."""

    def __init__(self, reason: str | None, status_reason: str = NOT_STARTED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status_reason = status_reason


class Runner:
    """Runs containers; what they write goes to their job's log group."""

    def __init__(self, context: CloudContext, allows: Allows, *, stop_grace_s: float) -> None:
        self._context = context
        self._allows = allows
        self._stop_grace_s = stop_grace_s
        self._images = ImageStore(context.state_dir)
        self._writer = LogWriter(context.account, context.region, context.metrics)
        self._folder = context.state_dir / "containers"
        self._lock = threading.Lock()
        self._reaper: Reaper | None = None

    def run(self, placement: Placement, on_running: Callable[[Attempt], None]) -> Attempt:
        """One attempt, from its image to its end."""
        where = f"{self._context.region}:{self._context.account}"
        cluster = placement.environment.cluster_arn.rpartition("/")[2]
        begun = Attempt(
            status_reason=NOT_STARTED,
            task_arn=f"arn:aws:ecs:{where}:task/{cluster}/{placement.task_id}",
            instance_arn=(
                f"arn:aws:ecs:{where}:container-instance/{cluster}/{placement.instance_id}"
            ),
        )
        folder = self._folder / placement.task_id
        try:
            return self._run(placement, begun, folder, on_running)
        except _NotStartedError as failure:
            return replace(
                begun,
                status_reason=failure.status_reason,
                reason=failure.reason,
                stopped_at=now_ms(),
            )
        finally:
            remove_folder(folder)

    def _run(
        self,
        placement: Placement,
        begun: Attempt,
        folder: Path,
        on_running: Callable[[Attempt], None],
    ) -> Attempt:
        job = placement.job
        image = self._image(job.container.image)
        arguments = _arguments(image, list(job.container.command))
        credentials = self._credentials(job, placement, str(begun.task_arn))
        container_log = self._log(placement)
        folder.mkdir(parents=True)
        try:
            process = ContainerProcess(
                arguments,
                workdir=Path(image.workdir),
                variables=container_variables(
                    self._context,
                    job,
                    image,
                    environment_name=placement.environment.name,
                    credentials=credentials,
                    folder=folder,
                ),
                memory_mib=job.container.memory_mib,
                stop_grace_s=self._stop_grace_s,
            )
        except OSError as error:
            raise _NotStartedError(f"CannotStartContainerError: {error}") from error
        self._reaping().watch(process.pid, folder)
        started_at = now_ms()
        running = replace(begun, started_at=started_at, log_stream=container_log.stream)
        on_running(running)
        placement.started(process)
        ended = process.wait(container_log.output, self._writer.flush, job.timeout_s)
        self._reaping().forget(process.pid)
        container_log.end()
        return _came_of(running, ended)

    def _image(self, uri: str) -> Image:
        try:
            # Pushed under that name: https://docs.docker.com/reference/cli/docker/image/tag/
            return self._images.by_code_sha256(sha256(uri.encode()).hexdigest())
        except ImageNotFoundError as error:
            reason = f"CannotPullContainerError: {uri}: not found: no such image was pushed here"
            raise _NotStartedError(reason) from error

    def _credentials(self, job: Job, placement: Placement, task_arn: str) -> Session | None:
        """Of the job's role, if it has one. Only tasks of ECS may be trusted with it.

        It is ECS that assumes it, for its task, and the task is what it says it asks for:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
        """
        role = job.container.job_role
        if role is None:
            return None
        keys = {"aws:SourceAccount": self._context.account, "aws:SourceArn": task_arn}
        try:
            caller = service(_ECS_TASKS, self._context.account)
            self._allows(caller, "sts:AssumeRole", role, keys)
        except Refused as refused:
            said = (
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship"
            )
            raise _NotStartedError(None, said) from refused
        return assume(self._context, role, placement.task_id, duration_s=_CREDENTIALS_S)

    def _log(self, placement: Placement) -> ContainerLog:
        job = placement.job
        options = job.container.log_options
        stream = stream_name(options, job.definition_arn, placement.task_id)
        try:
            return ContainerLog(self._context, self._writer, options, stream)
        except NoLogGroupError as error:
            raise _NotStartedError(
                "CannotStartContainerError: failed to initialize logging driver: "
                f"ResourceNotFoundException: The specified log group does not exist: {error}"
            ) from error

    def _reaping(self) -> Reaper:
        with self._lock:
            if self._reaper is None:
                self._reaper = Reaper()
            return self._reaper

    def stop(self) -> None:
        """Call it when no container runs any more."""
        self._writer.flush()
        if self._reaper is not None:
            self._reaper.close()
        remove_folder(self._folder)


def _arguments(image: Image, command: list[str]) -> list[str]:
    """ENTRYPOINT and CMD as Docker puts them together, with the image's paths as they are here."""
    if not image.entrypoint:
        raise _NotStartedError(
            "CannotStartContainerError: the image has no ENTRYPOINT of its own, and that of its "
            "base image serves Lambda's events"
        )
    words = [*image.entrypoint, *(command or [image.handler])]
    return [image.task + word.removeprefix(TASK_ROOT) if _in_task(word) else word for word in words]


def _in_task(word: str) -> bool:
    return word == TASK_ROOT or word.startswith(f"{TASK_ROOT}/")


def _came_of(running: Attempt, ended: Ended) -> Attempt:
    return replace(
        running,
        status_reason=TIMED_OUT if ended.timed_out else EXITED,
        exit_code=ended.exit_code,
        reason=OUT_OF_MEMORY if ended.out_of_memory else None,
        stopped_at=now_ms(),
    )
