"""Nothing of a container outlives its environment, and none is started without an engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService, ServiceLimits, reaper
from localcloud.images.engine import (
    containers_of,
    images_of,
    remove_abandoned,
)
from tests.localcloud.functions.containers.conftest import Contain
from tests.localcloud.functions.invoking import Meeting, Serve, answer, call


def test_stop_ends_containers_in_the_midst_of_it(
    serve: Serve, contain: Contain, cloud: str, meeting: Meeting
) -> None:
    service = serve(limits=ServiceLimits(width=2))
    function = contain()
    running = [meeting.start(service, function) for _ in range(2)]
    for _ in range(2):
        meeting.arrival()
    assert len(service.containers()) == 2
    service.stop()
    assert [future.result().function_error for future in running] == ["Unhandled"] * 2
    assert containers_of(cloud) == []


def test_changed_function_leaves_no_container(
    service: FunctionService, contain: Contain, aws: CloudContext, cloud: str
) -> None:
    function = contain()
    answer(call(service, function, "echo"))
    assert len(service.containers()) == 1
    aws.client("lambda").delete_function(FunctionName=function)
    assert service.containers() == containers_of(cloud) == []


def test_the_reaper_knows_how_to_remove_a_container(
    serve: Serve, contain: Contain, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    removals: list[tuple[str, ...]] = []
    watch = reaper.Reaper.watch

    def noted(
        self: reaper.Reaper, process_group: int, folder: Path, removal: tuple[str, ...] = ()
    ) -> None:
        removals.append(removal)
        watch(self, process_group, folder, removal)

    monkeypatch.setattr(reaper.Reaper, "watch", noted)
    answer(call(serve(), contain(), "echo"))
    assert len(containers_of(cloud)) == 1
    (removal,) = removals
    subprocess.run(removal, check=True, capture_output=True)
    assert containers_of(cloud) == []


KILLED = """
import signal, sys
from pathlib import Path
from runpy import run_path
reaper = run_path(sys.argv[1])["Reaper"]()
reaper.watch(int(sys.argv[2]), Path(sys.argv[3]), tuple(sys.argv[4:]))
print("watching", flush=True)
signal.pause()
"""


def test_killed_clouds_containers_are_removed(cloud: str, tmp_path: Path) -> None:
    name = f"localcloud-{uuid.uuid4().hex}"
    labelled = ("--name", name, "--label", f"serverless-hpc.cloud={cloud}")
    sleeping = ("--entrypoint", "sleep", "public.ecr.aws/lambda/python:3.13", "1000")
    attached = subprocess.Popen(["docker", "run", *labelled, *sleeping], start_new_session=True)
    removal = ["docker", "rm", "--force", name]
    words = [reaper.__file__, str(attached.pid), str(tmp_path / "none"), *removal]
    dying = subprocess.Popen(
        [sys.executable, "-c", KILLED, *words], stdout=subprocess.PIPE, text=True
    )
    assert dying.stdout is not None
    assert dying.stdout.readline() == "watching\n"
    (reaping,) = psutil.Process(dying.pid).children()
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    dying.stdout.close()
    attached.wait()
    psutil.wait_procs([reaping], timeout=30)
    assert not reaping.is_running()
    assert containers_of(cloud) == []


def test_images_of_a_cloud_that_is_gone_are_removed_and_others_stay(
    contain: Contain, cloud: str, context: CloudContext
) -> None:
    contain()
    (kept,) = images_of(cloud)
    remove_abandoned()
    assert images_of(cloud) == [kept]
    context.state_dir.rename(context.state_dir.with_name("elsewhere"))
    assert cloud in remove_abandoned()
    assert images_of(cloud) == []
    context.state_dir.with_name("elsewhere").rename(context.state_dir)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PATH", "/nowhere", "`docker` is not on the PATH"),
        ("DOCKER_HOST", "tcp://192.0.2.1:2375", "allowed: unset or unix://"),
        ("DOCKER_HOST", "unix:///nowhere.sock", "no Docker engine answers on this machine"),
    ],
)
def test_cloud_without_an_engine_says_so(name: str, value: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", "up", "--containers"],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: --containers: ")
    assert words in done.stderr
