"""Faults that last: what is disturbed while they do, and that it is as before when they end."""

from __future__ import annotations

import io
import json
import signal
import socket
import time
from typing import Any
from unittest.mock import create_autospec

import boto3
import psutil
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from chaos.client_process import ClientProcess
from chaos.faults import capacity, client, duplicates, memory, network, processes
from chaos.front import Front
from chaos.plan import Kind, Operation
from chaos.world import Lowered
from tests.chaos.striking import Requested, fault

ANSWER = [b"12345678"]


def effects(ledger: Any) -> list[bool]:
    return [struck.took_effect for struck in ledger.struck]


def stopped(pid: int, within_s: float = 10) -> bool:
    """Whether a process stands still; a signal takes a moment."""
    deadline = time.monotonic() + within_s
    while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_stalled_process_stands_still_beside_half_a_request_and_goes_on(
    scene, ledger, lasting, connected, runtime_api
) -> None:
    process, port = connected
    strike = processes.stall(fault(Kind.STALL), scene)
    assert list(strike(Requested(port=port).call)) == ANSWER
    half, _ = runtime_api.accept()
    half.settimeout(10)
    with half:
        assert stopped(process.pid)
        said = half.recv(1_000)
        assert said.startswith(b"GET /2018-06-01/runtime/invocation/next ")
        assert b"\r\n\r\n" not in said
        lasting[0]()
        assert half.recv(1) == b""
    assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
    assert effects(ledger) == [True]


@pytest.mark.parametrize("meanwhile", [signal.SIGKILL, signal.SIGCONT])
def test_stall_that_something_else_ends_had_no_effect(
    scene, ledger, lasting, connected, meanwhile
) -> None:
    process, port = connected
    processes.stall(fault(Kind.STALL), scene)(Requested(port=port).call)
    assert stopped(process.pid)
    process.send_signal(meanwhile)
    if meanwhile is signal.SIGKILL:
        process.wait()
    lasting[0]()
    assert effects(ledger) == [False]


def _lambda_that(**answer: Any) -> tuple[Any, Stubber]:
    functions = boto3.client(
        "lambda", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stub = Stubber(functions)
    body = b'{"count": 1}'
    payload = StreamingBody(io.BytesIO(body), len(body))
    if "code" in answer:
        stub.add_client_error("invoke", answer["code"])
    else:
        stub.add_response("invoke", {"Payload": payload, **answer})
    return functions, stub


@pytest.mark.parametrize(
    ("answer", "delivered"),
    [
        ({}, True),
        ({"FunctionError": "Unhandled"}, False),
        ({"code": "TooManyRequestsException"}, False),
    ],
)
def test_duplicate_counts_when_the_second_delivery_is_worked_on(
    scene, ledger, lasting, answer, delivered
) -> None:
    functions, stub = _lambda_that(**answer)
    scene.world.client.return_value = functions
    scene.world.classify = "classify"
    requested = Requested()
    with stub:
        assert list(duplicates.at_once(fault(Kind.DUPLICATE, shard=0), scene)(requested.call)) == (
            ANSWER
        )
        lasting[0]()
        stub.assert_no_pending_responses()
    assert requested.carried_out == 1
    assert effects(ledger) == [delivered]


def test_duplicate_is_the_very_shard_to_its_last_image(scene, lasting) -> None:
    functions, stub = _lambda_that()
    scene.world.client.return_value = functions
    scene.world.classify = "classify"
    scene.images_key = "inputs/abc/images.idx"
    sent: list[dict[str, Any]] = []
    functions.meta.events.register(
        "provide-client-params.lambda.Invoke", lambda params, **_: sent.append(params)
    )
    plan = scene.plan
    last = plan.shards - 1
    with stub:
        duplicates.at_once(fault(Kind.DUPLICATE, shard=last), scene)(Requested().call)
        lasting[0]()
    (asked,) = sent
    assert (asked["FunctionName"], asked["Qualifier"]) == ("classify", "live")
    assert json.loads(asked["Payload"]) == {
        "job_id": "job-1",
        "input": {"images": "inputs/abc/images.idx", "labels": None},
        "shard": {"shard": last, "start": last * plan.shard_size, "stop": plan.images},
        "attempt": 0,
    }


@pytest.mark.parametrize("ran", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_killed_client_gets_no_answer_to_what_was_or_was_not_done(
    scene, ledger, after, ran
) -> None:
    scene.client = create_autospec(ClientProcess, instance=True)
    scene.client.kill.return_value = ran
    ours, theirs = socket.socketpair()
    with ours, theirs:
        requested = Requested(connection=ours, operation=Operation.SUBMIT)
        with pytest.raises(ConnectionResetError):
            client.killed(fault(Kind.CLIENT, after=after), scene)(requested.call)
    assert requested.carried_out == after
    assert effects(ledger) == [ran]


def test_client_killed_at_a_functions_request_leaves_the_function_its_answer(scene) -> None:
    scene.client = create_autospec(ClientProcess, instance=True)
    scene.client.kill.return_value = True
    requested = Requested(operation=Operation.SHARD_READ)
    assert list(client.killed(fault(Kind.CLIENT, after=True), scene)(requested.call)) == ANSWER
    scene.client.kill.assert_called_once_with()
    assert requested.carried_out == 1


@pytest.mark.parametrize(
    ("strike", "limit"),
    [(capacity.reserved, "no_concurrency"), (capacity.account, "account_taken")],
)
def test_lowered_limit_is_held_until_something_is_refused(
    scene, ledger, lasting, monkeypatch, strike, limit
) -> None:
    monkeypatch.setattr(capacity, "_LOOK_EVERY_S", 0)
    done: list[str] = []
    lowered = Lowered(lambda: done.append("lowered"), lambda: done.append("restored"))
    setattr(scene.world, limit, lowered)
    other = "account_taken" if limit == "no_concurrency" else "no_concurrency"
    setattr(scene.world, other, Lowered(lambda: done.append("other"), lambda: None))
    scene.world.throttles.side_effect = [3, 3, 3, 5, 5]
    assert list(strike(fault(Kind.RESERVED), scene)(Requested().call)) == ANSWER
    assert done == ["lowered"]
    lasting[0]()
    assert done == ["lowered", "restored"]
    assert effects(ledger) == [True]
    assert ledger.struck[0].detail == "2 refused with 429"


def test_lowered_limit_that_refused_nothing_had_no_effect_and_is_restored(
    scene, ledger, lasting, monkeypatch
) -> None:
    monkeypatch.setattr(capacity, "_REFUSED_WITHIN_S", 0)
    done: list[str] = []
    scene.world.no_concurrency = Lowered(
        lambda: done.append("lowered"), lambda: done.append("restored")
    )
    scene.world.throttles.return_value = 7
    capacity.reserved(fault(Kind.RESERVED), scene)(Requested().call)
    lasting[0]()
    assert done == ["lowered", "restored"]
    assert effects(ledger) == [False]


def test_outage_drops_everybodys_requests_and_counts_them(
    scene, ledger, lasting, monkeypatch
) -> None:
    slept = create_autospec(time.sleep)
    monkeypatch.setattr(network, "time", create_autospec(time, sleep=slept))
    scene.world.front = front = Front()
    requested = Requested()
    fronted = front.wrap(requested.call.application)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        struck = Requested(connection=ours).call
        with pytest.raises(ConnectionResetError):
            network.outage(fault(Kind.OUTAGE, seconds=30), scene)(struck)
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                fronted({**struck.environ, "PATH_INFO": "/any"}, struck.start_response)
    lasting[0]()
    slept.assert_called_once_with(30)
    assert requested.carried_out == 0
    assert ledger.struck[0].detail == "3 requests in 30 s"


@pytest.mark.parametrize("ends", [True, False])
def test_oversized_shard_takes_effect_when_its_environment_ends(
    scene, ledger, lasting, connected, ends
) -> None:
    process, port = connected
    scene.world.timeout_s = 10.0 if ends else -20.0
    requested = Requested(port=port)
    assert list(memory.oversized(fault(Kind.MEMORY), scene)(requested.call)) == ANSWER
    if ends:
        process.send_signal(signal.SIGKILL)
    lasting[0]()
    assert effects(ledger) == [ends]


def test_refused_memory_is_what_the_process_has_until_it_is_given_back(
    scene, ledger, lasting, connected, monkeypatch
) -> None:
    monkeypatch.setattr(memory, "_HELD_S", 0)
    process, port = connected
    hit = psutil.Process(process.pid)
    requested = Requested(port=port)
    assert list(memory.refused(fault(Kind.MEMORY_REFUSED), scene)(requested.call)) == ANSWER
    assert hit.rlimit(psutil.RLIMIT_AS)[0] == hit.memory_info().vms
    lasting[0]()
    assert hit.rlimit(psutil.RLIMIT_AS)[0] == psutil.RLIM_INFINITY
    assert effects(ledger) == [True]


def test_memory_refused_to_a_process_that_does_not_survive_it_took_effect(
    scene, ledger, lasting, connected, monkeypatch
) -> None:
    monkeypatch.setattr(memory, "_HELD_S", 0)
    process, port = connected
    memory.refused(fault(Kind.MEMORY_REFUSED), scene)(Requested(port=port).call)
    process.kill()
    process.wait()
    lasting[0]()
    assert effects(ledger) == [True]


@pytest.mark.parametrize(
    "strike", [processes.stall, processes.hang, memory.oversized, memory.refused]
)
def test_fault_without_a_process_behind_the_request_lets_it_pass(
    scene, ledger, lasting, strike
) -> None:
    requested = Requested(port=1)
    assert list(strike(fault(Kind.STALL), scene)(requested.call)) == ANSWER
    assert (effects(ledger), lasting) == ([False], [])
