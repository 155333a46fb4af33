"""Reuse of environments: one invocation at a time, warm ones again, dead ones never."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.functions.errors import ServiceFailureError
from tests.localcloud.functions.invoking import Deploy, Meeting, Serve, answer, call


def kill(pid: int) -> None:
    """Kill a process of the service and wait for its end, which the service has yet to notice."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_idle_environment_is_used_again(service: FunctionService, deploy: Deploy) -> None:
    function = deploy()
    seen = {answer(call(service, function, "describe"))["environment"] for _ in range(5)}
    assert len(seen) == 1


def test_parallel_invocations_have_an_environment_each(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    function = deploy()
    futures = [meeting.start(service, function) for _ in range(4)]
    present = {meeting.arrival()["environment"] for _ in futures}
    meeting.let_go()
    assert len(present) == 4
    assert {answer(future.result())["environment"] for future in futures} == present


def test_most_recently_used_environment_is_taken_first(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    function = deploy()
    first = meeting.start(service, function)
    meeting.arrival()
    second = meeting.start(service, function)
    last = meeting.arrival()["environment"]
    # The listener hands back its newest connection first; the other one is held until it returned.
    meeting.let_go_newest()
    second.result()
    meeting.let_go()
    first.result()
    newest = answer(first.result())["environment"]
    assert newest != last
    assert answer(call(service, function, "describe"))["environment"] == newest


def test_temporary_files_stay_in_a_warm_environment_and_only_there(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    function = deploy()
    first = answer(call(service, function, "write", name="one"))
    again = answer(call(service, function, "write", name="two"))
    held = meeting.start(service, function)
    meeting.arrival()
    elsewhere = answer(call(service, function, "write", name="three"))
    meeting.let_go()
    held.result()
    assert (first["found"], again["found"], elsewhere["found"]) == ([], ["one"], [])
    assert elsewhere["folder"] != first["folder"]


def test_environment_killed_while_idle_is_replaced_unseen(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()
    before = answer(call(service, function, "describe"))
    kill(before["pid"])
    after = answer(call(service, function, "describe"))
    assert after["environment"] != before["environment"]


def test_environment_stopped_while_idle_times_out(service: FunctionService, deploy: Deploy) -> None:
    function = deploy(Timeout=1)
    before = answer(call(service, function, "describe"))
    os.kill(before["pid"], signal.SIGSTOP)
    result = call(service, function, "describe")
    assert result.function_error == "Unhandled"
    assert b"Sandbox.Timedout" in result.payload
    assert answer(call(service, function, "describe"))["environment"] != before["environment"]


def test_unused_environment_ends_after_the_idle_time(serve: Serve, deploy: Deploy) -> None:
    service = serve(limits=ServiceLimits(idle_s=0.0))
    process = psutil.Process(answer(call(service, deploy(), "describe"))["pid"])
    process.wait(timeout=10)
    assert not process.is_running()


def test_width_makes_invocations_wait_and_refuses_none(
    serve: Serve, deploy: Deploy, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(width=2))
    function = deploy()
    futures = [meeting.start(service, function) for _ in range(6)]
    seen = set()
    for _ in range(3):
        seen |= {meeting.arrival()["environment"] for _ in range(2)}
        meeting.let_go()
    assert len([answer(future.result()) for future in futures]) == 6
    assert len(seen) == 2


def test_waiting_invocation_gets_a_new_environment_for_a_crashed_one(
    serve: Serve, deploy: Deploy, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(width=1))
    function = deploy()
    first = meeting.start(service, function)
    crashing = meeting.arrival()
    second = meeting.start(service, function)
    os.kill(crashing["pid"], signal.SIGKILL)
    assert meeting.arrival()["environment"] != crashing["environment"]
    meeting.let_go()
    assert first.result().function_error == "Unhandled"
    assert answer(second.result())


@pytest.mark.parametrize("ending", ["service", "function"])
def test_nothing_stays_of_an_ended_environment(
    serve: Serve, deploy: Deploy, aws: CloudContext, ending: str
) -> None:
    service = serve()
    function = deploy()
    seen = answer(call(service, function, "describe"))
    folder = Path(seen["variables"]["TMPDIR"])
    port = int(seen["variables"]["AWS_LAMBDA_RUNTIME_API"].rpartition(":")[2])
    process = psutil.Process(seen["pid"])
    assert (service.running_processes(), service.open_ports()) == ([seen["pid"]], [port])
    if ending == "service":
        service.stop()
    else:
        aws.client("lambda").delete_function(FunctionName=function)
    assert (service.running_processes(), service.open_ports()) == ([], [])
    assert not process.is_running()
    assert not folder.parent.exists()


def test_environment_that_cannot_start_is_the_services_failure(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()
    seen = answer(call(service, function, "describe"))
    code = Path(seen["workdir"])
    kill(seen["pid"])
    away = code.rename(code.with_name("away"))
    for _ in range(2):
        with pytest.raises(ServiceFailureError, match="No such file or directory") as refused:
            call(service, function, "echo")
        assert (refused.value.status, refused.value.code) == (500, "ServiceException")
    away.rename(code)
    assert answer(call(service, function, "echo"))


def test_environment_is_replaced_before_its_roles_credentials_end(
    service: FunctionService, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    function = deploy()
    lasting = answer(call(service, function, "describe"))
    service.functions_changed()
    assert answer(call(service, function, "describe"))["environment"] == lasting["environment"]
    monkeypatch.setattr("localcloud.functions.fleet._RENEWED_BEFORE_S", 13 * 3600)
    service.functions_changed()
    renewed = answer(call(service, function, "describe"))
    assert renewed["environment"] != lasting["environment"]
    key = "AWS_ACCESS_KEY_ID"
    assert renewed["variables"][key] != lasting["variables"][key]
