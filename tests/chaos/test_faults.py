"""Single faults: what the caller of a disturbed request gets, and what is written down about it."""

from __future__ import annotations

import os
import signal
import socket

import psutil
import pytest

from chaos.faults import network, processes, s3
from chaos.plan import Kind
from tests.chaos.striking import Requested, fault


@pytest.mark.parametrize(
    ("status", "line", "code"),
    [(503, "503 Slow Down", b"SlowDown"), (500, "500 Internal Server Error", b"InternalError")],
)
def test_s3_error_is_answered_in_s3s_words_and_nothing_is_done(
    scene, ledger, status, line, code
) -> None:
    requested = Requested()
    body = b"".join(s3.error(fault(Kind.S3_ERROR, status=status), scene)(requested.call))
    assert (requested.status, requested.carried_out) == (line, 0)
    assert b"<Code>" + code + b"</Code>" in body
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_slow_read_brings_every_byte(scene, ledger) -> None:
    body = s3.slow(fault(Kind.SLOW_READ, seconds=0.04), scene)(Requested().call)
    assert list(body) == [b"12", b"34", b"56", b"78"]
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_cut_read_ends_with_a_reset_after_half(scene) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = iter(s3.cut(fault(Kind.CUT_READ), scene)(Requested(connection=ours).call))
        assert next(body) == b"1234"
        with pytest.raises(ConnectionResetError):
            next(body)


@pytest.mark.parametrize("after", [True, False])
def test_dropped_request_is_carried_out_or_not_as_planned(scene, after) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        requested = Requested(connection=ours)
        with pytest.raises(ConnectionResetError):
            network.dropped(fault(Kind.DROPPED, after=after), scene)(requested.call)
    assert requested.carried_out == after


def test_killed_is_the_process_behind_the_request(scene, ledger, connected) -> None:
    process, port = connected
    ours, theirs = socket.socketpair()
    with ours, theirs:
        requested = Requested(port=port, connection=ours)
        with pytest.raises(ConnectionResetError):
            processes.kill(fault(Kind.KILL), scene)(requested.call)
    assert process.wait(timeout=10) == -signal.SIGKILL
    assert [struck.took_effect for struck in ledger.struck] == [True]


def test_no_process_is_killed_for_a_request_of_the_campaign_itself(scene, ledger) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as own,
    ):
        requested = Requested(port=own.getsockname()[1])
        assert list(processes.kill(fault(Kind.KILL), scene)(requested.call)) == [b"12345678"]
    assert [struck.took_effect for struck in ledger.struck] == [False]
    assert psutil.pid_exists(os.getpid())


def test_hang_that_no_timeout_ends_has_no_effect_and_goes_on(
    scene, ledger, connected, monkeypatch
) -> None:
    process, port = connected
    scene.world.timeout_s = 0.0
    monkeypatch.setattr(processes, "gone", lambda *_, **__: False)
    requested = Requested(port=port)
    assert list(processes.hang(fault(Kind.HANG), scene)(requested.call)) == [b"12345678"]
    assert scene.close() == []
    assert [struck.took_effect for struck in ledger.struck] == [False]
    assert psutil.Process(process.pid).status() != psutil.STATUS_STOPPED
