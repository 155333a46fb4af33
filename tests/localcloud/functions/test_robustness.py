"""What is done to environments from outside ends with a named error and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, InvokeResult, ServiceLimits
from localcloud.functions.errors import InvalidZipFileError, ServiceFailureError
from localcloud.functions.reaper import Reaper
from tests.localcloud.functions.invoking import Deploy, Serve, answer, call, failure

STALLING = (Path(__file__).parent / "stalling_handler.py").read_text()
KILLED = "Runtime exited with error: signal: killed"
STALLS = (
    "before the first event",
    "nothing",
    "half an answer",
    "another request's answer",
    "hung up",
)


def folders(context: CloudContext) -> list[Path]:
    """What the environments of this test's service have left."""
    folder = context.state_dir / "environments"
    return list(folder.iterdir()) if folder.exists() else []


def test_runtime_that_stalls_times_out_and_its_environment_ends(
    serve: Serve, deploy: Deploy, context: CloudContext
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

    All at once, because each waits for the function's timeout.
    """
    service = serve(limits=ServiceLimits(init_s=0.3))
    functions = {
        stall: deploy(STALLING, Timeout=1, Environment={"Variables": {"STALL": stall}})
        for stall in STALLS
    }
    with ThreadPoolExecutor(len(STALLS)) as executor:
        results = dict(
            zip(
                STALLS,
                executor.map(lambda name: service.invoke(name, None, b"{}"), functions.values()),
                strict=True,
            )
        )
    timed_out = "Task timed out after 1.00 seconds"
    assert {stall: failure(result) for stall, result in results.items()} == {
        stall: {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {results[stall].request_id} Error: {timed_out}",
        }
        for stall in STALLS
    }
    assert service.running_processes() == []
    assert folders(context) == []


def test_runtime_that_answers_once_and_stalls_times_out_at_the_next_event(
    service: FunctionService, deploy: Deploy
) -> None:
    stall = {"STALL": "after an answer"}
    function = deploy(STALLING, Timeout=1, Environment={"Variables": stall})
    assert answer(service.invoke(function, None, b"{}")) == {}
    (first,) = service.running_processes()
    assert failure(service.invoke(function, None, b"{}"))["errorType"] == "Sandbox.Timedout"
    assert service.running_processes() == []
    assert answer(service.invoke(function, None, b"{}")) == {}
    assert service.running_processes() != [first]


def kill_one(service: FunctionService, before: int | None = None) -> int:
    """Kill the service's only process, once it is another one than `before`."""
    while (pids := service.running_processes()) in ([], [before]):
        threading.Event().wait(0.005)
    os.kill(pids[0], signal.SIGKILL)
    return pids[0]


def test_environment_killed_in_init_is_started_again_within_the_invocation(
    service: FunctionService, deploy: Deploy, context: CloudContext
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
    function = deploy(Environment={"Variables": {"HANG_IN_INIT": "1"}})
    with ThreadPoolExecutor(1) as executor:
        invoked = executor.submit(service.invoke, function, None, b"{}")
        first = kill_one(service)
        kill_one(service, before=first)
        result = invoked.result(20)
    assert failure(result) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {KILLED}",
    }
    assert service.running_processes() == []
    assert folders(context) == []


def test_kills_at_any_moment_are_named_errors_and_leave_nothing(
    serve: Serve, deploy: Deploy, context: CloudContext
) -> None:
    service = serve(limits=ServiceLimits(width=4))
    function = deploy(Timeout=10)
    chance = random.Random(7)  # noqa: S311  the same kills each time
    done = threading.Event()
    kills = 0

    def kill_now_and_then() -> None:
        nonlocal kills
        while not done.wait(chance.uniform(0.0, 0.03)):
            if pids := service.running_processes():
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(pids), signal.SIGKILL)
                    kills += 1

    def invoke(number: int) -> InvokeResult:
        return call(service, function, "echo", number=number)

    with ThreadPoolExecutor(5) as executor:
        killing = executor.submit(kill_now_and_then)
        results = list(executor.map(invoke, range(80)))
        done.set()
        killing.result(10)
    for number, result in enumerate(results):
        if result.function_error:
            assert failure(result) == {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {result.request_id} Error: {KILLED}",
            }
        else:
            assert answer(result)["number"] == number
    assert kills > 10
    assert answer(call(service, function, "echo", number=1))["number"] == 1
    running = service.running_processes()
    assert len(running) == len(service.open_ports()) <= 4
    service.stop()
    assert folders(context) == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Lets no folder be made under a path any more, until the test undoes it or ends."""
    stock = Path.mkdir

    def fill(below: Path) -> None:
        def mkdir(path: Path, *args: Any, **kwargs: Any) -> None:
            if path.is_relative_to(below):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            stock(path, *args, **kwargs)

        monkeypatch.setattr(Path, "mkdir", mkdir)

    return fill


@pytest.mark.parametrize("filled", ["environments", "zips"])
def test_full_disk_is_the_services_failure_until_there_is_space(
    service: FunctionService,
    deploy: Deploy,
    context: CloudContext,
    full_disk: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    filled: str,
) -> None:
    """ServiceException, 500: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
    function = deploy()
    full_disk(context.state_dir / filled)
    for _ in range(2):
        with pytest.raises(ServiceFailureError, match="No space left on device") as refused:
            call(service, function, "echo")
        assert (refused.value.status, refused.value.code) == (500, "ServiceException")
        assert refused.value.body["Type"] == "Service"
    assert service.running_processes() == []
    assert folders(context) == []
    monkeypatch.undo()
    assert answer(call(service, function, "echo")) == {"do": "echo"}


def test_full_disk_keeps_provisioned_concurrency_waiting_for_space(
    service: FunctionService,
    deploy: Deploy,
    aws: CloudContext,
    context: CloudContext,
    full_disk: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = deploy()
    aws.client("lambda").publish_version(FunctionName=function)
    full_disk(context.state_dir / "environments")
    service.provision(function, "1", 2)
    assert f"{function}: not provisioned: Could not start an environment" in caplog.text
    assert service.running_processes() == []
    monkeypatch.undo()
    service.functions_changed()
    provisioned = set(service.running_processes())
    assert len(provisioned) == 2
    result = service.invoke(function, "1", b'{"do": "describe"}')
    assert answer(result)["pid"] in provisioned


def test_process_that_nobody_watches_over_is_not_left_running(
    service: FunctionService,
    deploy: Deploy,
    context: CloudContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_processes_left(
        reaper: Reaper, process_group: int, folder: Path, removal: tuple[str, ...]
    ) -> None:
        started.append(process_group)
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    started: list[int] = []
    function = deploy()
    monkeypatch.setattr(Reaper, "watch", no_processes_left)
    with pytest.raises(ServiceFailureError, match="Resource temporarily unavailable"):
        call(service, function, "echo")
    (pid,) = started
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert folders(context) == []


def test_archive_that_is_none_is_named(
    service: FunctionService, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
    function = deploy(Code={"ZipFile": b"no archive"})
    with pytest.raises(InvalidZipFileError, match=f"{function}: File is not a zip file"):
        call(service, function, "echo")
    assert (InvalidZipFileError.status, InvalidZipFileError.code) == (
        502,
        "InvalidZipFileException",
    )


def test_virtual_environment_of_a_function_is_held_while_its_cloud_is_up(
    service: FunctionService, deploy: Deploy
) -> None:
    seen = answer(call(service, deploy(), "describe"))
    home = Path(seen["variables"]["PATH"].split(":")[0]).parent
    lock = home.with_suffix(".lock")
    with lock.open("a") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert str(lock) in {file.path for file in psutil.Process().open_files()}
    service.stop()
    assert str(lock) not in {file.path for file in psutil.Process().open_files()}
