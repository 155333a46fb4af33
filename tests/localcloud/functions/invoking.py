"""Deploying and calling the functions of these tests."""

from __future__ import annotations

import io
import json
import socket
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, InvokeResult

CODE = (Path(__file__).parent / "deployed_handler.py").read_text()
CACHE = Path(__file__).parents[3] / ".cache"
REGION = "eu-west-3"
ACCOUNT = "123456789012"

Deploy = Callable[..., str]
Serve = Callable[..., FunctionService]


def delete_if_there(aws: CloudContext, name: str) -> None:
    client = aws.client("lambda")
    try:
        client.delete_function(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return


def role_of(aws: CloudContext) -> str:
    iam = aws.client("iam")
    name = "functions-under-test"
    try:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        return str(role["Role"]["Arn"])


def zip_of(code: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("handler.py", code)
    return file.getvalue()


def call(service: FunctionService, function: str, do: str, **arguments: Any) -> InvokeResult:
    """Invoke `function` to do something of deployed_handler.py."""
    return service.invoke(function, None, json.dumps({"do": do, **arguments}).encode())


def answer(result: InvokeResult) -> Any:
    assert result.function_error is None, result.payload
    return json.loads(result.payload)


def failure(result: InvokeResult) -> Any:
    assert result.function_error == "Unhandled", result.payload
    return json.loads(result.payload)


class Meeting:
    """Lets a test see how many invocations run at once, and holds them until it lets go."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self._executor = executor
        self._held: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]

    def start(self, service: FunctionService, function: str) -> Future[InvokeResult]:
        """Invoke in a thread, without waiting for the handler."""
        return self._executor.submit(call, service, function, "meet", port=self.port)

    def arrival(self) -> dict[str, Any]:
        """Wait until one more handler runs; it stays until `let_go`."""
        connection, _ = self._listener.accept()
        connection.settimeout(20)
        self._held.append(connection)
        with connection.makefile("rb") as file:
            told: dict[str, Any] = json.loads(file.read())
        return told

    def let_go_newest(self) -> None:
        """Let the handler that arrived last return."""
        with closing(self._held.pop()) as connection:
            connection.sendall(b"x")

    def let_go(self) -> None:
        """Let the handlers that arrived return."""
        while self._held:
            self.let_go_newest()

    def close(self) -> None:
        for connection in self._held:
            connection.close()
        self._listener.close()
