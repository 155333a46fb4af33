"""Nothing outlives the cloud, in order or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import create_autospec

import psutil
import pytest

from localcloud.functions import FunctionService, ServiceLimits, reaper
from localcloud.functions.environment import Environment
from localcloud.functions.errors import ResourceNotReadyError
from localcloud.functions.invocation import EnvironmentSpec, Invocation
from localcloud.functions.logs import LogWriter
from localcloud.functions.reaper import Reaper
from localcloud.images.virtual_environment import VirtualEnvironments
from localcloud.monitoring.metrics import Metrics
from tests.localcloud.functions.invoking import (
    ACCOUNT,
    CACHE,
    CODE,
    REGION,
    Deploy,
    Meeting,
    Serve,
    call,
)

CHILD = """
import signal, subprocess, sys
from pathlib import Path
from runpy import run_path
reaper = run_path(sys.argv[2])["Reaper"]()
hanging = subprocess.Popen(["sleep", "1000"], start_new_session=True)
reaper.watch(hanging.pid, Path(sys.argv[1]))
print(hanging.pid, flush=True)
signal.pause()
"""


def test_stop_ends_running_and_waiting_invocations(
    serve: Serve, deploy: Deploy, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(width=2))
    function = deploy()
    futures = [meeting.start(service, function) for _ in range(3)]
    processes = [psutil.Process(meeting.arrival()["pid"]) for _ in range(2)]
    service.stop()
    errors = [error for future in futures if (error := future.exception())]
    assert [type(error) for error in errors] == [ResourceNotReadyError]
    results = [future.result() for future in futures if not future.exception()]
    assert [result.function_error for result in results] == ["Unhandled", "Unhandled"]
    assert not any(process.is_running() for process in processes)


def test_children_of_a_function_end_with_it(
    service: FunctionService, deploy: Deploy, meeting: Meeting
) -> None:
    function = deploy(Timeout=1)
    result = call(service, function, "fork_and_hang", port=meeting.port)
    assert b"Sandbox.Timedout" in result.payload
    # What was told is complete when no process holds the connection any more.
    assert meeting.arrival() == {"forked": True}


def test_stopped_service_runs_nothing(serve: Serve, deploy: Deploy) -> None:
    service = serve()
    function = deploy()
    service.stop()
    with pytest.raises(ResourceNotReadyError):
        service.invoke(function, None, b"{}")


def test_killed_clouds_processes_and_folders_are_ended(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    folder.mkdir()
    cloud = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), reaper.__file__],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert cloud.stdout is not None
    hanging = psutil.Process(int(cloud.stdout.readline()))
    reaping = [child for child in psutil.Process(cloud.pid).children() if child != hanging]
    os.kill(cloud.pid, signal.SIGKILL)
    cloud.wait()
    cloud.stdout.close()
    psutil.wait_procs([hanging, *reaping], timeout=10)
    assert not hanging.is_running()
    assert not folder.exists()
    assert len(reaping) == 1
    assert not reaping[0].is_running()


def test_environment_is_known_to_the_reaper_while_it_runs(tmp_path: Path, meeting: Meeting) -> None:
    (tmp_path / "handler.py").write_text(CODE)
    spec = EnvironmentSpec(
        function_name="function",
        version="1",
        python=VirtualEnvironments(CACHE).python([], say=print),
        workdir=tmp_path,
        handler="handler.handler",
        variables={},
        memory_mb=256,
        timeout_s=20,
        log_group="/reaping",
        log_as_json=False,
    )
    reaping = create_autospec(Reaper, instance=True)
    environment = Environment(
        spec,
        folder=tmp_path / "environments",
        writer=LogWriter(ACCOUNT, REGION, Metrics()),
        reaper=reaping,
        init_limit_s=10,
        initialization_type="on-demand",
    )
    environment.invoke(Invocation("request", "arn", b"{}"))
    pid = environment.pid
    (folder,) = (tmp_path / "environments").iterdir()
    reaping.watch.assert_called_once_with(pid, folder, ())
    reaping.forget.assert_not_called()
    environment.end()
    reaping.forget.assert_called_once_with(pid)


def test_killed_reaper_is_replaced_by_one_that_knows_everything(tmp_path: Path) -> None:
    reaping = Reaper()
    sleeping = [subprocess.Popen(["sleep", "1000"], start_new_session=True) for _ in range(2)]
    reaping.watch(sleeping[0].pid, tmp_path / "one")
    first = reaping.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    reaping.watch(sleeping[1].pid, tmp_path / "two")
    assert reaping.pid != first
    reaping.close()
    assert [process.wait(timeout=10) for process in sleeping] == [-signal.SIGKILL] * 2


def test_reaper_forgets_what_has_ended(tmp_path: Path) -> None:
    reaping = Reaper()
    bystander = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    reaping.watch(bystander.pid, tmp_path / "none")
    reaping.forget(bystander.pid)
    reaping.close()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
