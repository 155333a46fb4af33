"""Every way a function fails, by AWS's names; localcloud/functions/errors.py has the sources."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from localcloud.functions import FunctionService, ServiceLimits
from tests.localcloud.functions.invoking import Deploy, Serve, answer, call, failure

MB = 1024 * 1024


def environment_of(service: FunctionService, function: str) -> str:
    return str(answer(call(service, function, "describe"))["environment"])


def test_unhandled_exception_has_type_message_and_trace(
    service: FunctionService, deploy: Deploy
) -> None:
    error = failure(call(service, deploy(), "raise", message="no such shard"))
    assert error["errorType"] == "LookupError"
    assert error["errorMessage"] == "no such shard"
    assert "raise LookupError" in error["stackTrace"][-1]


def test_environment_survives_an_unhandled_exception(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()
    before = environment_of(service, function)
    failure(call(service, function, "raise", message="x"))
    assert environment_of(service, function) == before


def test_timeout_is_reported_and_the_environment_replaced(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy(Timeout=1)
    before = environment_of(service, function)
    result = call(service, function, "hang")
    assert failure(result) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert environment_of(service, function) != before


@pytest.mark.parametrize(
    ("do", "size_mb"), [("allocate", 200), ("allocate_and_hang", 200), ("spike", 120)]
)
def test_memory_over_the_limit_ends_the_environment(
    service: FunctionService, deploy: Deploy, do: str, size_mb: int
) -> None:
    function = deploy(MemorySize=128)
    event = {"do": do, "bytes": size_mb * MB}
    result = service.invoke(function, None, json.dumps(event).encode(), log_tail=True)
    assert failure(result) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: "
        "signal: killed",
    }
    assert result.log_result is not None
    assert b"Status: error\tError Type: Runtime.OutOfMemory" in result.log_result
    assert answer(call(service, function, "echo"))


def test_memory_under_the_limit_is_granted(service: FunctionService, deploy: Deploy) -> None:
    assert answer(call(service, deploy(MemorySize=300), "allocate", bytes=200 * MB)) == 200 * MB


@pytest.mark.parametrize(
    ("do", "arguments", "reason"),
    [
        ("exit", {"status": 7}, "Runtime exited with error: exit status 7"),
        ("exit", {"status": 0}, "Runtime exited without providing a reason"),
        ("signal", {"number": signal.SIGKILL}, "Runtime exited with error: signal: killed"),
        ("segfault", {}, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_crash_is_reported_and_the_environment_replaced(
    service: FunctionService, deploy: Deploy, do: str, arguments: dict[str, int], reason: str
) -> None:
    function = deploy()
    before = environment_of(service, function)
    result = call(service, function, do, **arguments)
    assert failure(result) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {reason}",
    }
    assert environment_of(service, function) != before


@pytest.mark.parametrize(
    ("handler", "code", "error_type", "words"),
    [
        ("absent.handler", "", "Runtime.ImportModuleError", "No module named 'absent'"),
        ("handler.absent", "", "Runtime.HandlerNotFound", "Handler 'absent' missing on module"),
        ("handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("handler.handler", "import absent", "Runtime.ImportModuleError", "named 'absent'"),
        ("handler.handler", "def", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
        ("handler.handler", "1 / 0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_code_that_cannot_be_imported_is_an_init_error(
    service: FunctionService, deploy: Deploy, handler: str, code: str, error_type: str, words: str
) -> None:
    error = failure(service.invoke(deploy(code, Handler=handler), None, b"{}"))
    assert error["errorType"] == error_type
    assert words in error["errorMessage"]


def test_process_that_ends_in_init_is_an_exit_error(
    service: FunctionService, deploy: Deploy
) -> None:
    error = failure(service.invoke(deploy("import os; os._exit(5)"), None, b"{}"))
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("exit status 5")


def test_init_is_repeated_once_within_the_invocation(
    service: FunctionService, deploy: Deploy, tmp_path: Path
) -> None:
    marker = str(tmp_path / "first process was here")
    function = deploy(Environment={"Variables": {"FAIL_INIT_UNTIL": marker}})
    assert answer(call(service, function, "echo"))


def test_init_over_its_limit_is_repeated_on_the_functions_time(
    serve: Serve, deploy: Deploy
) -> None:
    service = serve(limits=ServiceLimits(init_s=0.2))
    function = deploy(Timeout=1, Environment={"Variables": {"HANG_IN_INIT": "1"}})
    result = service.invoke(function, None, b"{}", log_tail=True)
    assert failure(result)["errorType"] == "Sandbox.Timedout"


def test_answer_over_six_megabytes_is_too_large(service: FunctionService, deploy: Deploy) -> None:
    function = deploy()
    assert failure(call(service, function, "answer_bytes", bytes=6 * MB + 200)) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size ({6 * MB + 202} bytes) exceeded maximum allowed "
        f"payload size ({6 * MB + 100} bytes).",
    }
    assert len(answer(call(service, function, "answer_bytes", bytes=6 * MB))) == 6 * MB


def test_answer_that_is_not_json_is_a_marshal_error(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy("def handler(event, context):\n    return object()")
    assert failure(service.invoke(function, None, b"{}"))["errorType"] == "Runtime.MarshalError"
