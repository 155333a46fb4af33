from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import Cloud
from localcloud.context import CloudContext
from localcloud.functions import INVOKE_PATH, InvokeResult

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROLE = "arn:aws:iam::123456789012:role/any"


@dataclass
class FunctionsInThisProcess:
    """Stands for FunctionService: functions are Python callables by name, called where they are."""

    context: CloudContext
    handlers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    invocations: list[tuple[str, str | None, Any]] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def invoke(
        self, function: str, qualifier: str | None, payload: bytes, **_: Any
    ) -> InvokeResult:
        event = json.loads(payload)
        self.invocations.append((function, qualifier, event))
        name = function.split(":")[6] if function.startswith("arn:") else function.split(":")[0]
        try:
            answer, error = self.handlers[name](event), None
        except FunctionError as raised:
            answer, error = raised.payload, "Unhandled"
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return InvokeResult(200, body, error, "1", None, str(uuid.uuid4()))

    def wsgi_invoke(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = INVOKE_PATH.fullmatch(environ["PATH_INFO"])
        assert path is not None
        payload = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        answer = self.invoke(path["function"], None, payload)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer.payload]

    def provision(self, function: str, alias: str, count: int) -> None:
        raise AssertionError("not provisioned in these tests")

    def running_processes(self) -> list[int]:
        return self.processes

    def open_ports(self) -> list[int]:
        return self.ports

    def stop(self) -> None:
        self.handlers.clear()


@pytest.fixture
def function_error() -> type[FunctionError]:
    return FunctionError


class FunctionError(Exception):
    """Raised by a handler: its function ends with this payload as its error."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload)
        self.payload = payload


def start_cloud() -> Cloud:
    return Cloud(make_functions=FunctionsInThisProcess)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One for a module, whose tests give their own names to what they make."""
    with start_cloud() as cloud:
        yield cloud


@pytest.fixture
def handlers(cloud: Cloud) -> Iterator[dict[str, Callable[[Any], Any]]]:
    """Functions by name; a test adds its own."""
    functions: Any = cloud.functions
    yield functions.handlers
    functions.handlers.clear()
    functions.invocations.clear()


@dataclass
class StateMachines:
    """Creates a state machine for a definition and runs it."""

    cloud: Cloud

    @property
    def client(self) -> Any:
        return self.cloud.context.client("stepfunctions")

    def start(self, definition: dict[str, Any], given: Any = None, name: str = "") -> str:
        machine = self.client.create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            definition=json.dumps(definition),
            roleArn=ROLE,
        )
        started = self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"],
            input=json.dumps({} if given is None else given),
            **({"name": name} if name else {}),
        )
        return started["executionArn"]

    def run(self, definition: dict[str, Any], given: Any = None) -> dict[str, Any]:
        return self.end_of(self.start(definition, given))

    def end_of(self, execution_arn: str, within_s: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            execution = self.client.describe_execution(executionArn=execution_arn)
            if execution["status"] != "RUNNING":
                return execution
            threading.Event().wait(0.01)
        raise AssertionError(f"still RUNNING after {within_s} s")

    def map_run(self, execution_arn: str) -> dict[str, Any]:
        (run,) = self.client.list_map_runs(executionArn=execution_arn)["mapRuns"]
        return self.client.describe_map_run(mapRunArn=run["mapRunArn"])


@pytest.fixture
def state_machines(cloud: Cloud) -> StateMachines:
    return StateMachines(cloud)


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = f"results-{uuid.uuid4().hex[:8]}"
    cloud.context.client("s3").create_bucket(Bucket=name)
    return name
