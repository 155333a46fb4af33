from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from chaos.leaks import Inventory, leaks, processes_told_of

CLEAN = Inventory(
    children={10: "environment", 11: "reaper"},
    strangers={10: "environment"},
    owned=frozenset({10, 11}),
    environment_folders=frozenset({"a"}),
    environments=1,
    temporary_files=frozenset(),
    running_executions=(),
)


def test_nothing_is_found_where_everything_is_owned() -> None:
    assert leaks(CLEAN) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"children": {**CLEAN.children, 12: "sleep"}}, "orphan process 12 (sleep)"),
        ({"strangers": {13: "python"}}, "orphan process 13 (python)"),
        ({"environment_folders": frozenset({"a", "b"})}, "2 folders of environments for 1"),
        ({"temporary_files": frozenset({"tmpx"})}, "leaked file tmpx"),
        ({"running_executions": ("job-7",)}, "execution job-7 still RUNNING"),
    ],
)
def test_what_nobody_owns_is_found(wrong, words) -> None:
    (found,) = leaks(replace(CLEAN, **wrong))
    assert words in found


def test_process_that_was_told_of_the_cloud_is_found_wherever_it_hangs() -> None:
    endpoint = f"http://localhost:1/{os.getpid()}"
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(
        command,
        env={**os.environ, "AWS_ENDPOINT_URL": endpoint},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert psutil.pid_exists(process.pid)
        assert list(processes_told_of(endpoint)) == [process.pid]
        process.communicate(b"\n")
    assert processes_told_of(endpoint) == {}
