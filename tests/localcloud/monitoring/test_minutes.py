"""Minutes: of real time by a thread, or by a clock of one's own, and nothing in between."""

from __future__ import annotations

import threading

import pytest

from localcloud.cloud import Cloud
from localcloud.monitoring.minutes import Minutes


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "minutes"]


def test_cloud_that_runs_goes_by_real_minutes() -> None:
    with Cloud():
        assert _threads() == ["minutes"]
    assert _threads() == []


def test_cloud_with_a_clock_of_its_own_waits_for_ticks() -> None:
    with Cloud(clock=lambda: 6e8) as cloud:
        assert _threads() == []
        cloud.tick()


def test_step_that_fails_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    done: list[float] = []

    def fails(now: float) -> None:
        raise LookupError("asked to fail")

    Minutes(lambda: 6e8, (fails, done.append)).tick()

    assert done == [6e8]
    assert "asked to fail" in caplog.text
