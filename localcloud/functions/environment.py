"""One execution environment: its process, folder and log stream, one invocation at a time.

It follows Lambda's life of an environment: an INIT phase of limited length, which if it fails
is repeated within the invocation and its timeout; then invocations until something goes wrong,
after which the environment is unusable and its owner ends it. It decides nothing about reuse or
concurrency.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import platform
import secrets
import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from pathlib import Path

from localcloud.functions import errors
from localcloud.functions.errors import FunctionFailure, ServiceFailureError
from localcloud.functions.folders import remove_folder
from localcloud.functions.invocation import EnvironmentSpec, Invocation, Outcome, Report
from localcloud.functions.logs import EnvironmentLog, LogWriter
from localcloud.functions.reaper import Reaper
from localcloud.functions.runtime_api import VERSION, Request
from localcloud.functions.runtime_process import (
    DeadlinePassedError,
    MemoryExceededError,
    ProcessExitedError,
    RuntimeProcess,
    RuntimeStoppedError,
)
from localcloud.functions.starting import sandbox_start

_ACCEPTED = b'{"status":"OK"}\n'


class EnvironmentGoneError(Exception):
    """A warm environment's process had ended before the event was handed over: no code saw it."""


class Environment:
    """A process for `spec` in a new folder under `folder`; started by the first of its methods."""

    def __init__(
        self,
        spec: EnvironmentSpec,
        *,
        folder: Path,
        writer: LogWriter,
        reaper: Reaper,
        init_limit_s: float,
        initialization_type: str,
    ) -> None:
        self.environment_id = secrets.token_hex(16)
        self.usable = True
        self.idle_since = time.monotonic()
        self._spec = spec
        self._reaper = reaper
        self._init_limit_s = init_limit_s
        self._initialization_type = initialization_type
        self._folder = folder / self.environment_id
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        stream = f"{day}/[{spec.version}]{self.environment_id}"
        self._log = EnvironmentLog(writer, spec.log_group, stream, as_json=spec.log_as_json)
        self._process: RuntimeProcess | None = None
        self._parked: Request | None = None
        self._killed = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        process = self._process
        return process.pid if process else None

    @property
    def port(self) -> int | None:
        """The port of the Runtime API, while there is a process."""
        process = self._process
        return process.port if process else None

    @property
    def running(self) -> bool:
        """Whether there is a process and it has not ended."""
        process = self._process
        return process is not None and process.running

    def initialise(self) -> None:
        """Run INIT ahead of any invocation; leaves the environment unusable if it fails."""
        if self._init("init", time.monotonic() + self._init_limit_s, "") is not None:
            self.end()

    def invoke(self, invocation: Invocation) -> Outcome:
        """Hand over one event and wait for what comes of it; see `usable` afterwards.

        Raises EnvironmentGoneError if a warm environment's process had ended, ServiceFailureError
        if none could be started: in both cases no code saw the event.
        """
        warm = self._process is not None
        request_id = invocation.request_id
        payload = b""
        failure: FunctionFailure | None = None
        init_ms = None
        if not warm:
            started = time.monotonic()
            failure = self._init("init", started + self._init_limit_s, request_id)
            if failure is None:
                init_ms = (time.monotonic() - started) * 1000
        begun = time.monotonic()
        deadline = begun + self._spec.timeout_s
        if failure is not None:
            # Lambda repeats a failed INIT within the invocation, on the invocation's time.
            self._end_process()
            failure = self._init("invoke", deadline, request_id)
        if failure is None:
            payload, failure = self._exchange(invocation, deadline, warm=warm)
        else:
            self.usable = False
            self._log.start(request_id, self._spec.version)
        duration_ms = (time.monotonic() - begun) * 1000
        return self._conclude(request_id, payload, failure, duration_ms, init_ms)

    def end(self) -> None:
        """Kill the process and its group, and remove the folder."""
        self.usable = False
        self._end_process()

    def kill(self) -> None:
        """Kill the process from another thread than the invoking one, which then ends the rest."""
        self._killed.set()
        process = self._process
        if process is not None:
            process.kill()

    def _end_process(self) -> None:
        process, self._process = self._process, None
        self._parked = None
        if process is not None:
            process.end()
        remove_folder(self._folder)
        if process is not None:
            self._reaper.forget(process.pid)

    def _init(self, phase: str, deadline: float, request_id: str) -> FunctionFailure | None:
        """Start the process and wait until it asks for its first event."""
        started = time.monotonic()
        self._log.init_start(f"python:{platform.python_version()}", self._initialization_type)
        process = self._start_process()
        if self._killed.is_set():
            process.kill()
        failure: FunctionFailure | None = None
        try:
            while self._parked is None and failure is None:
                request = process.next_request(deadline)
                if request.path == f"{VERSION}/init/error":
                    process.acknowledge(request, HTTPStatus.ACCEPTED, _ACCEPTED)
                    failure = errors.posted_failure(request.body)
                else:
                    self._park_or_refuse(process, request)
        except RuntimeStoppedError as stopped:
            failure = self._failure_of(stopped, request_id)
        if failure is not None:
            init_ms = (time.monotonic() - started) * 1000
            self._log.init_failed(init_ms, phase, failure.report_status, failure.report_error)
        return failure

    def _start_process(self) -> RuntimeProcess:
        try:
            return self._launch()
        except OSError as error:
            self.usable = False
            raise ServiceFailureError(f"Could not start an environment: {error}") from error

    def _launch(self) -> RuntimeProcess:
        own_variables = {
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log.stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": self._initialization_type,
        }
        process = self._process = RuntimeProcess(
            sandbox_start(self._spec, own_variables, self._folder),
            memory_mb=self._spec.memory_mb,
            on_output=self._log.output,
        )
        self._reaper.watch(process.pid, self._folder, process.removal)
        return process

    def _park_or_refuse(self, process: RuntimeProcess, request: Request) -> None:
        if request.method == "GET" and request.path == f"{VERSION}/invocation/next":
            self._parked = request
            return
        body = b'{"errorMessage":"Not found","errorType":"Runtime.UnknownEndpoint"}'
        process.acknowledge(request, HTTPStatus.NOT_FOUND, body)

    def _exchange(
        self, invocation: Invocation, deadline: float, *, warm: bool
    ) -> tuple[bytes, FunctionFailure | None]:
        """Deliver the event and take the answer: a payload, or why there is none."""
        process = self._process
        if process is None:
            raise EnvironmentGoneError
        try:
            try:
                self._hand_over(process, invocation, deadline)
            except ProcessExitedError as exited:
                if not warm:
                    raise
                self.end()
                raise EnvironmentGoneError from exited
            self._log.start(invocation.request_id, self._spec.version)
            return self._await_answer(process, invocation.request_id, deadline)
        except RuntimeStoppedError as stopped:
            self.usable = False
            return b"", self._failure_of(stopped, invocation.request_id)

    def _hand_over(self, process: RuntimeProcess, invocation: Invocation, deadline: float) -> None:
        """Answer the runtime's call for the next event with this one."""
        while True:
            while self._parked is None:
                self._park_or_refuse(process, process.next_request(deadline))
            process.check_alive()
            remaining_s = deadline - time.monotonic()
            parked, self._parked = self._parked, None
            try:
                process.hand_over(
                    parked,
                    invocation.payload,
                    invocation.runtime_headers(remaining_s),
                    within_s=remaining_s,
                )
            except TimeoutError as error:
                raise DeadlinePassedError from error
            except OSError:
                # The runtime hung up: it calls again, or it has ended and the next look says so.
                continue
            return

    def _await_answer(
        self, process: RuntimeProcess, request_id: str, deadline: float
    ) -> tuple[bytes, FunctionFailure | None]:
        response = f"{VERSION}/invocation/{request_id}/response"
        error = f"{VERSION}/invocation/{request_id}/error"
        while True:
            request = process.next_request(deadline)
            size_bytes = len(request.body)
            if request.path == response and size_bytes > errors.RESPONSE_LIMIT_BYTES:
                self.usable = False
                process.acknowledge(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _ACCEPTED)
                return b"", errors.response_too_large(size_bytes)
            if request.path in {response, error}:
                # A peak between two looks counts: on AWS it would have ended the process.
                process.check_memory()
                process.acknowledge(request, HTTPStatus.ACCEPTED, _ACCEPTED)
                failed = request.path == error
                return request.body, errors.posted_failure(request.body) if failed else None
            self._park_or_refuse(process, request)

    def _failure_of(self, stopped: RuntimeStoppedError, request_id: str) -> FunctionFailure:
        if isinstance(stopped, ProcessExitedError):
            return errors.exited(request_id, stopped.return_code)
        if isinstance(stopped, MemoryExceededError):
            return errors.out_of_memory(request_id)
        return errors.timed_out(request_id, self._spec.timeout_s)

    def _conclude(
        self,
        request_id: str,
        payload: bytes,
        failure: FunctionFailure | None,
        duration_ms: float,
        init_ms: float | None,
    ) -> Outcome:
        peak_mb = ceil(self._process.peak_memory_mb) if self._process else 0
        if not self.usable:
            self._end_process()
        if failure is not None and failure.log_line:
            self._log.failed(failure.log_line)
        report = Report(
            request_id=request_id,
            duration_ms=duration_ms,
            init_ms=init_ms,
            memory_mb=self._spec.memory_mb,
            max_memory_mb=min(peak_mb, self._spec.memory_mb),
            status=failure.report_status if failure else "success",
            error_type=failure.report_error if failure else None,
        )
        self._log.end(report)
        answer = failure.payload if failure else payload
        return Outcome(answer, failure, report, self._log.tail())
