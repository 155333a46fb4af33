"""One embedded cloud in this process: what it is made of, and how it starts and ends.

moto keeps its data in the process, so a process has one cloud at a time; clouds side by side are
processes side by side. Starting begins with an empty account, stopping leaves nothing: no process,
port, thread or file.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from localcloud.batch import BatchLimits, BatchService
from localcloud.cloudformation import CloudFormationService
from localcloud.context import CloudContext
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.http_api import HttpApiFront, endpoint_patches
from localcloud.iam import Gate
from localcloud.identity import Authentication
from localcloud.images.docker import docker_program
from localcloud.images.engine import cloud_label, engine_for
from localcloud.monitoring.metrics import Clock, Metrics
from localcloud.monitoring.service import Monitoring
from localcloud.server import CloudApplication, KeepAliveServer
from localcloud.services.bucket_policies import bucket_policy_patches
from localcloud.services.caller_identity import caller_identity_patches
from localcloud.services.event_history import event_history_patches
from localcloud.services.lambda_destinations import destination_patches
from localcloud.services.lambda_versions import lambda_version_patches
from localcloud.services.patches import Patch, applied, configured
from localcloud.services.provisioned_concurrency import ProvisionedConcurrency
from localcloud.services.request_parameters import request_parameter_patches
from localcloud.services.s3 import s3_patches
from localcloud.services.topic_subscribers import topic_subscriber_patches
from localcloud.services.vpc import vpc_patches
from localcloud.state_dir import temporary_state_dir
from localcloud.step_functions import (
    await_executions,
    step_functions_patches,
    stop_executions,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"

_only_cloud = threading.Lock()

Part = TypeVar("Part")


class Cloud:
    """An AWS account on `http://localhost:<port>`; start it, or use it as a context manager."""

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        state_dir: Path | None = None,
        limits: ServiceLimits | None = None,
        batch_limits: BatchLimits | None = None,
        make_functions: Callable[[CloudContext], FunctionService] | None = None,
        containers: bool = False,
        middleware: Callable[[WSGIApplication], WSGIApplication] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`port` 0 takes a free one. `state_dir` must be empty or absent; it is removed at `stop`.

        `limits` are those of FunctionService; what `make_functions` makes has its own. `middleware`
        wraps the application that answers every request of this cloud. With `containers`, images
        are built by this machine's container engine and functions run in them. Metrics, alarms and
        scaling go by real time; with a `clock` of one's own (seconds since 1970), as tests have,
        they go by it and only when `tick` is called. Raises ValueError for an account that is not
        12 digits, a `state_dir` with files in it, or both `limits` and `make_functions`.
        """
        if len(account) != 12 or not account.isdecimal():
            raise ValueError(f"account: {account!r}; allowed: 12 digits")
        if state_dir is not None and state_dir.exists() and any(state_dir.iterdir()):
            raise ValueError(f"state_dir: {state_dir} is not empty; allowed: a new or empty folder")
        if limits is not None and make_functions is not None:
            raise ValueError("limits, make_functions: allowed: one of the two")
        self._port = port
        self._region = region
        self._account = account
        self._state_dir = state_dir
        self._make_functions = make_functions or partial(FunctionService, limits=limits)
        self._containers = containers
        self._middleware = middleware
        self._clock = clock
        self._started = ExitStack()
        self._context: CloudContext | None = None
        self._functions: FunctionService | None = None
        self._batch_limits = batch_limits
        self._batch: BatchService | None = None
        self._cloudformation: CloudFormationService | None = None
        self._gate: Gate | None = None
        self._monitoring: Monitoring | None = None
        self._docker_program = ""

    @property
    def context(self) -> CloudContext:
        return _running(self._context)

    @property
    def functions(self) -> FunctionService:
        return _running(self._functions)

    @property
    def cloudformation(self) -> CloudFormationService:
        return _running(self._cloudformation)

    @property
    def batch(self) -> BatchService:
        return _running(self._batch)

    @property
    def gate(self) -> Gate:
        """Decides on every call; its `decisions` say what was asked for."""
        return _running(self._gate)

    def tick(self) -> None:
        """A minute is over by the cloud's clock: see Minutes."""
        _running(self._monitoring).minutes.tick()

    @property
    def environ(self) -> dict[str, str]:
        """Variables with which the CDK CLI, boto3 and the functions' clients use this cloud."""
        return {**self.context.environ, "CDK_DOCKER": self._docker_program}

    def start(self) -> Cloud:
        """Raises RuntimeError if this process has a cloud, OSError for the port, NoEngineError."""
        if not _only_cloud.acquire(blocking=False):
            raise RuntimeError("a cloud is up in this process: stop it, or start another process")
        with ExitStack() as starting:
            starting.callback(_only_cloud.release)
            self._assemble(starting)
            self._started = starting.pop_all()
        return self

    def _assemble(self, starting: ExitStack) -> None:
        """Put the parts together, each with how it ends: the last started is the first to end."""
        starting.enter_context(_without_profile())
        _empty_account()
        starting.callback(_empty_account)
        server = KeepAliveServer(self._port)
        context = self._context = self._new_context(starting, server.port)
        starting.callback(self._forget)
        # The parts below call services over HTTP while they stop, so the server ends after them.
        starting.callback(server.stop)
        if self._containers:
            starting.enter_context(engine_for(cloud_label(context.state_dir)))
        gate = self._gate = Gate(context)
        functions = self._functions = self._make_functions(context)
        starting.enter_context(configured())
        provisioned = ProvisionedConcurrency(context, functions.provision)
        monitoring = self._monitoring = Monitoring(context, functions, provisioned, gate.allows)
        starting.enter_context(applied(_patches(context, functions, gate)))
        subscribers = topic_subscriber_patches(context, functions, gate.allows)
        starting.enter_context(applied(monitoring.patches()))
        starting.enter_context(applied(subscribers))
        starting.callback(await_executions)
        starting.callback(functions.stop)
        batch = self._batch = BatchService(context, gate.allows, self._batch_limits)
        starting.callback(batch.stop)
        cloudformation = self._cloudformation = CloudFormationService(context)
        starting.callback(cloudformation.stop)
        starting.callback(stop_executions)
        self._docker_program = docker_program(context, containers=self._containers)
        application = CloudApplication(
            context,
            cloudformation=cloudformation.wsgi_app,
            batch=batch.wsgi_app,
            invoke=functions.wsgi_invoke,
            provisioned_concurrency=provisioned,
            http_api=HttpApiFront(context, functions.invoke, gate.allows),
            authentication=Authentication(context),
            gate=gate,
        )
        server.start(self._middleware(application) if self._middleware else application)
        if self._clock is None:
            monitoring.minutes.start()
        starting.callback(monitoring.minutes.stop)
        log.info("cloud %s up at %s", context.account, context.endpoint)

    def _new_context(self, starting: ExitStack, port: int) -> CloudContext:
        if self._state_dir is None:
            state_dir = starting.enter_context(temporary_state_dir())
        else:
            state_dir = self._state_dir
            state_dir.mkdir(parents=True, exist_ok=True)
            starting.callback(shutil.rmtree, state_dir)
        alphabet = string.ascii_uppercase + "234567"
        return CloudContext(
            account=self._account,
            region=self._region,
            endpoint=f"http://localhost:{port}",
            state_dir=state_dir,
            access_key_id="AKIA" + "".join(secrets.choice(alphabet) for _ in range(16)),
            secret_access_key=secrets.token_urlsafe(30),
            metrics=Metrics(self._clock or time.time),
        )

    def stop(self) -> None:
        """End everything that `start` began; does nothing on a cloud that is not up."""
        self._started.close()

    def _forget(self) -> None:
        self._context = self._functions = self._cloudformation = self._gate = None
        self._monitoring = None
        self._batch = None

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _running(part: Part | None) -> Part:
    if part is None:
        raise RuntimeError("the cloud is not up: call start() first")
    return part


@contextmanager
def _without_profile() -> Iterator[None]:
    """Take the caller's AWS_PROFILE away: every client here fails if it is not in a config file."""
    profile = os.environ.pop("AWS_PROFILE", None)
    try:
        yield
    finally:
        if profile is not None:
            os.environ["AWS_PROFILE"] = profile


def _patches(context: CloudContext, functions: FunctionService, gate: Gate) -> list[Patch]:
    return [
        *step_functions_patches(context, functions.invoke, gate.allows),
        *lambda_version_patches(),
        *destination_patches(),
        *endpoint_patches(context),
        *caller_identity_patches(context),
        *s3_patches(),
        *event_history_patches(),
        *request_parameter_patches(),
        *bucket_policy_patches(),
        *vpc_patches(),
    ]


def _empty_account() -> None:
    BackendDict.reset()
    reset_model_data()
