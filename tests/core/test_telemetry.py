from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from shpc_core import telemetry
from shpc_core.telemetry import ExecutionEnvironment, Telemetry, totals


def one(**fields: object) -> Telemetry:
    given = {
        "function": "classify",
        "environment": "a" * 16,
        "cold": False,
        "init_ms": None,
        "started_at": 100.0,
        "ended_at": 100.5,
        "max_rss_mb": 60.0,
        "memory_mb": 1024,
        "attempt": 0,
        "request_id": "r",
        "shard": 0,
    }
    return Telemetry(**given | fields)  # type: ignore[arg-type]


def test_environment_is_cold_once() -> None:
    environment = ExecutionEnvironment("classify", {})
    begun = [environment.begin(memory_mb=512, request_id=str(number)) for number in range(3)]
    assert [invocation.cold for invocation in begun] == [True, False, False]
    assert [invocation.init_ms is None for invocation in begun] == [False, True, True]
    assert len({invocation.environment for invocation in begun}) == 1


def test_environment_initialised_ahead_is_never_cold() -> None:
    provisioned = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    environment = ExecutionEnvironment("classify", provisioned)
    begun = environment.begin(memory_mb=512, request_id="r")
    assert (begun.cold, begun.init_ms) == (False, None)
    assert begun.finished(shard=0, attempt=0).provisioned


@pytest.mark.parametrize("variables", [{}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}])
def test_environment_started_on_demand_says_so(variables: dict[str, str]) -> None:
    environment = ExecutionEnvironment("classify", variables)
    for _ in range(2):
        begun = environment.begin(memory_mb=512, request_id="r")
        assert not begun.finished(shard=0, attempt=0).provisioned


def test_environments_have_names_of_their_own() -> None:
    names = {
        ExecutionEnvironment("f", {}).begin(memory_mb=1, request_id="r").environment
        for _ in range(9)
    }
    assert len(names) == 9
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_invocation_measures_from_begin_to_finished() -> None:
    before = time.time()
    invocation = ExecutionEnvironment("classify", {}).begin(memory_mb=768, request_id="r-1")
    measured = invocation.finished(shard=4, attempt=2)
    assert before <= measured.started_at <= measured.ended_at <= time.time()
    assert (measured.shard, measured.attempt, measured.request_id) == (4, 2, "r-1")
    assert (measured.function, measured.memory_mb) == ("classify", 768)
    assert 5 < measured.max_rss_mb < 4096


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_process_age_is_counted_from_the_process_start() -> None:
    program = (
        "import time; time.sleep(0.2); from shpc_core import telemetry;"
        "print(telemetry.process_age_ms())"
    )
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
    )
    elapsed_ms = (time.monotonic() - before) * 1000
    # The kernel counts in steps of 10 ms.
    assert 190 <= float(done.stdout) <= elapsed_ms + 20


def test_process_age_is_unknown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry.sys, "platform", "darwin")
    assert telemetry.process_age_ms() is None


@pytest.mark.parametrize(
    ("fields", "billed_ms"),
    [
        ({}, 500),
        ({"ended_at": 100.5004}, 501),
        ({"cold": True, "init_ms": 200.0}, 700),
        ({"memory_mb": 2048}, 1000),
    ],
)
def test_billed_time_is_rounded_up_and_weighed_by_memory(
    fields: dict[str, object], billed_ms: int
) -> None:
    assert one(**fields).billed_gb_s == pytest.approx(billed_ms / 1000)


def test_totals_sum_what_can_be_summed() -> None:
    summed = totals(
        [
            one(cold=True, init_ms=250.0),
            one(environment="b" * 16, max_rss_mb=75.0),
            one(ended_at=101.0),
        ]
    )
    assert (summed.invocations, summed.environments, summed.init_ms) == (3, 2, 250.0)
    assert summed.duration_ms == pytest.approx(2000)
    assert summed.billed_gb_s == pytest.approx(2.25)
    assert summed.max_rss_mb == 75.0
