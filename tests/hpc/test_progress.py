"""Progress: a bar on a terminal, a handful of plain lines anywhere else."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hpc.api import JobStatus, ShardCounts
from hpc.progress import BarView, LineView, progress_view
from tests.hpc.made_up import STARTED_AT


def status(done: int | None, total: int = 40, state: str = "RUNNING") -> JobStatus:
    shards = (
        None
        if done is None
        else ShardCounts(total=total, pending=0, running=total - done, succeeded=done, failed=0)
    )
    return JobStatus(job_id="job-1", status=state, started_at=STARTED_AT, shards=shards)


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def lines_of(written: io.StringIO, statuses: list[JobStatus]) -> list[str]:
    with progress_view(Console(file=written), "job-1") as view:
        for number, one in enumerate(statuses):
            view.show(one, number / 2)
    return written.getvalue().splitlines()


def test_every_shard_seen_makes_a_line_per_tenth(written) -> None:
    shown = lines_of(
        written,
        [status(None), *(status(done) for done in range(41)), status(40, state="SUCCEEDED")],
    )
    assert shown[0] == "job job-1: submitted, waiting for it"
    assert [line.split()[2] for line in shown[1:-1]] == [str(tenth) for tenth in range(10, 101, 10)]
    assert shown[1] == "job job-1:  10 % (4 of 40 shards, 2.5 s)"
    assert shown[-1] == "job job-1: succeeded after 21.0 s"


def test_jump_over_tenths_makes_one_line(written) -> None:
    shown = lines_of(written, [status(0), status(18), status(19), status(40, state="SUCCEEDED")])
    assert [line.split()[2] for line in shown[1:-1]] == ["40", "100"]


def test_lines_hold_no_control_characters(written) -> None:
    lines_of(written, [status(None), status(40, state="FAILED")])
    assert written.getvalue().replace("\n", "").isprintable()
    assert "failed after 0.5 s" in written.getvalue()


def test_terminal_gets_a_bar_that_moves(written) -> None:
    console = Console(file=written, force_terminal=True, width=100, legacy_windows=False)
    view = progress_view(console, "job-1")
    assert isinstance(view, BarView)
    with view:
        view.show(status(None), 0.1)
        view.show(status(10), 1.0)
        view.show(status(40), 1.5)
        view.show(status(40, state="SUCCEEDED"), 2.0)
    assert "40/40" in written.getvalue()
    assert "succeeded" in written.getvalue()


def test_pipe_gets_lines(written) -> None:
    assert isinstance(progress_view(Console(file=written), "job-1"), LineView)
