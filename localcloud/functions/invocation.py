"""The values that pass between service, pool and environment."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Protocol

from localcloud.functions.container import ContainerImage
from localcloud.functions.errors import FunctionFailure

REQUEST_RESPONSE = "RequestResponse"
EVENT = "Event"
DRY_RUN = "DryRun"


@dataclass(frozen=True)
class EnvironmentSpec:
    """What every execution environment of one function version is made of.

    `variables` are those that all of them share; an environment adds its own (log stream, folder,
    Runtime API). Where there is a `container` it is run, and `python` and `workdir` are not used.
    """

    function_name: str
    version: str
    python: Path
    workdir: Path
    handler: str
    variables: Mapping[str, str]
    memory_mb: int
    timeout_s: int
    log_group: str
    log_as_json: bool
    container: ContainerImage | None = None


@dataclass(frozen=True)
class Invocation:
    """One event for a function; `client_context` is JSON text, as the runtime gets it."""

    request_id: str
    function_arn: str
    payload: bytes
    client_context: str | None = None

    def runtime_headers(self, remaining_s: float) -> dict[str, str]:
        """What the Runtime API says beside the payload, `remaining_s` before the deadline."""
        now = time.time()
        trace = f"Root=1-{int(now):08x}-{secrets.token_hex(12)}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((now + remaining_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
            "Lambda-Runtime-Trace-Id": f"{trace};Parent={secrets.token_hex(8)};Sampled=0",
        }
        if self.client_context:
            headers["Lambda-Runtime-Client-Context"] = self.client_context
        return headers


@dataclass(frozen=True)
class Report:
    """The figures of one invocation; `init_ms` only where it waited for INIT."""

    request_id: str
    duration_ms: float
    init_ms: float | None
    memory_mb: int
    max_memory_mb: int
    status: str = "success"
    error_type: str | None = None

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds of INIT and run (INIT is billed since August 2025).

        https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
        """
        return ceil(self.duration_ms + (self.init_ms or 0.0))


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation; `failure` is None where the handler returned."""

    payload: bytes
    failure: FunctionFailure | None
    report: Report
    log_tail: bytes


@dataclass(frozen=True)
class InvokeResult:
    """What Invoke answers; `log_result` is the last 4 KB of the log, as text in bytes.

    `function_error` is "Unhandled" where `payload` tells of a failure, else None.
    """

    status_code: int
    payload: bytes
    function_error: str | None
    executed_version: str
    log_result: bytes | None
    request_id: str


class InvocationAnswer(Protocol):
    """What a synchronous invocation yields: the function's payload, or its error as a payload."""

    @property
    def payload(self) -> bytes: ...
    @property
    def function_error(self) -> str | None: ...
    @property
    def executed_version(self) -> str: ...


class Invoke(Protocol):
    """Invoke a function and wait; raises ServiceError when Lambda itself refuses."""

    def __call__(
        self, function: str, qualifier: str | None, payload: bytes
    ) -> InvocationAnswer: ...
