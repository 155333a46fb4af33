"""Functions in containers: what they see, every way they fail, and that nothing of them is left.

The same failures as those of processes in test_failures.py, by the same names.
"""

from __future__ import annotations

import json
import signal

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.errors import ServiceFailureError
from localcloud.images.engine import containers_of, docker, remove_all_of
from tests.images.needing import BASE_IMAGE
from tests.localcloud.functions.containers.conftest import Contain
from tests.localcloud.functions.invoking import (
    Serve,
    answer,
    call,
    failure,
)

MB = 1024 * 1024


def test_a_container_is_what_lambda_gives(service: FunctionService, contain: Contain) -> None:
    seen = answer(call(service, contain(), "look_around"))
    assert seen["user"] == [993, 990]
    assert seen["read_only"]
    assert seen["tmp"] == 512 * MB
    assert seen["python"] == ["3", "13"]
    assert seen["process"] != 1
    assert int(seen["capabilities"][0], 16) == 0


def test_variables_are_the_images_the_functions_and_lambdas(
    service: FunctionService, contain: Contain
) -> None:
    own = {"OWN": "two words # and more", "LINES": "one\ntwo", "EMPTY": "", "DOCKER_HOST": "x"}
    function = contain(Environment={"Variables": own})
    seen = answer(call(service, function, "describe"))
    variables = seen["variables"]
    assert {name: variables[name] for name in own} == own
    assert variables["FROM_IMAGE"] == "yes"
    assert variables["LAMBDA_TASK_ROOT"] == seen["workdir"] == "/var/task"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == function
    base = json.loads(docker("image", "inspect", BASE_IMAGE))[0]["Config"]["Env"]
    assert f"PATH={variables['PATH']}" in base
    assert not {"TMPDIR", "VIRTUAL_ENV"} & set(variables)


def test_warm_container_is_used_again_and_its_report_has_its_memory(
    service: FunctionService, contain: Contain
) -> None:
    function = contain()
    first = answer(call(service, function, "describe"))["environment"]
    event = json.dumps({"do": "allocate", "bytes": 100 * MB}).encode()
    told = service.invoke(function, None, event, log_tail=True).log_result or b""
    assert answer(call(service, function, "describe"))["environment"] == first
    (used,) = [int(words.split()[0]) for words in told.decode().split("Max Memory Used: ")[1:]]
    assert 100 < used < 256
    assert len(service.containers()) == 1


def test_image_config_holds_in_a_container(
    service: FunctionService, contain: Contain, aws: CloudContext
) -> None:
    entry = ["/bin/sh", "-c", 'FROM_ENTRY=yes exec /lambda-entrypoint.sh "$@"', "entry"]
    function = contain(
        ImageConfig={
            "EntryPoint": entry,
            "Command": ["handler.do_describe"],
            "WorkingDirectory": "/tmp",  # noqa: S108
        }
    )
    # The handler is found from the task's folder, which is not the working directory here.
    aws.client("lambda").update_function_configuration(
        FunctionName=function, Environment={"Variables": {"PYTHONPATH": "/var/task"}}
    )
    seen = answer(service.invoke(function, None, b"{}"))
    assert seen["workdir"] == "/tmp"  # noqa: S108
    assert seen["variables"]["FROM_ENTRY"] == "yes"


def test_timeout_is_reported_and_the_container_replaced(
    service: FunctionService, contain: Contain, cloud: str
) -> None:
    function = contain(Timeout=2)
    before = answer(call(service, function, "describe"))["environment"]
    result = call(service, function, "hang")
    words = f"RequestId: {result.request_id} Error: Task timed out after 2.00 seconds"
    assert failure(result) == {"errorType": "Sandbox.Timedout", "errorMessage": words}
    assert containers_of(cloud) == []
    assert answer(call(service, function, "describe"))["environment"] != before


@pytest.mark.parametrize(("do", "size_mb"), [("allocate", 200), ("spike", 200)])
def test_memory_over_the_limit_ends_the_container(
    service: FunctionService, contain: Contain, do: str, size_mb: int
) -> None:
    function = contain(MemorySize=128)
    event = json.dumps({"do": do, "bytes": size_mb * MB}).encode()
    result = service.invoke(function, None, event, log_tail=True)
    words = f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed"
    assert failure(result) == {"errorType": "Runtime.ExitError", "errorMessage": words}
    assert b"Status: error\tError Type: Runtime.OutOfMemory" in (result.log_result or b"")
    assert answer(call(service, function, "echo"))


@pytest.mark.parametrize(
    ("do", "arguments", "reason"),
    [
        ("exit", {"status": 7}, "Runtime exited with error: exit status 7"),
        ("exit", {"status": 0}, "Runtime exited without providing a reason"),
        ("signal", {"number": signal.SIGKILL}, "Runtime exited with error: signal: killed"),
        ("segfault", {}, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_crash_is_reported_and_the_container_replaced(
    service: FunctionService, contain: Contain, do: str, arguments: dict[str, int], reason: str
) -> None:
    function = contain()
    result = call(service, function, do, **arguments)
    words = f"RequestId: {result.request_id} Error: {reason}"
    assert failure(result) == {"errorType": "Runtime.ExitError", "errorMessage": words}
    assert answer(call(service, function, "echo"))


def test_error_in_init_comes_through(service: FunctionService, contain: Contain) -> None:
    result = service.invoke(contain("1 / 0"), None, b"{}")
    assert failure(result)["errorType"] == "ZeroDivisionError"


def test_output_comes_through_to_the_last_line(
    serve: Serve, contain: Contain, aws: CloudContext
) -> None:
    """Also what comes by way of the engine after the answer, or just before the end."""
    service = serve()
    function = contain()
    for number in range(5):
        call(service, function, "print", lines=[f"line {number}"], unfinished="")
    call(service, function, "print_and_exit", line="the last line")
    service.stop()
    events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    told = [event["message"].rstrip("\n") for event in events if "line" in event["message"]]
    assert told == [*(f"line {number}" for number in range(5)), "the last line"]


def test_image_that_is_gone_is_this_machines_failure(
    service: FunctionService, contain: Contain, cloud: str
) -> None:
    function = contain()
    remove_all_of(cloud)
    with pytest.raises(ServiceFailureError, match="Could not start an environment"):
        service.invoke(function, None, b"{}")
