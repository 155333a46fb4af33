from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from localcloud.state_file import NoCloudError, find_cloud, this_process

REPOSITORY = Path(__file__).parents[3]


Start = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """`python -m localcloud` in `folder`; whatever is still running at the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "AWS_PROFILE": "someone-elses"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def localcloud(tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def with_a_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The same in a folder where a cloud is up."""
    with starting(tmp_path_factory.mktemp("with-a-cloud")) as start:
        lines_of_up(start("up"))
        yield start


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def lines_of_up(process: subprocess.Popen[str]) -> list[str]:
    """What `up` prints, to the last of its export lines."""
    lines = []
    for line in process.stdout or ():
        lines.append(line.strip())
        if line.startswith("export CDK_DOCKER="):
            return lines
    raise AssertionError(f"up ended early: {process.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_serves_until_a_signal_and_leaves_no_file(localcloud, tmp_path, number):
    up = localcloud("up")
    lines = lines_of_up(up)
    exports = dict(line.removeprefix("export ").split("=", 1) for line in lines if "export" in line)
    endpoint = exports["AWS_ENDPOINT_URL"]
    assert endpoint in lines[0]
    (state_file,) = (tmp_path / ".localcloud").iterdir()
    assert state_file.stat().st_mode & 0o077 == 0
    script = "import boto3; boto3.client('s3').create_bucket(Bucket='by-exec'); print('made')"
    code, out, err = ended(localcloud("exec", "--", sys.executable, "-c", script))
    assert (code, out.strip()) == (0, "made"), err
    assert "by-exec" in requests.get(endpoint, timeout=10).text
    up.send_signal(number)
    code, out, err = ended(up)
    assert (code, err) == (0, "")
    assert "embedded cloud down" in out
    assert not (tmp_path / ".localcloud").exists()


def test_exec_takes_the_exit_code_of_its_command_and_its_options_untouched(with_a_cloud):
    script = "import sys; print(sys.argv[1:]); sys.exit(7)"
    command = (sys.executable, "-c", script, "--port", "1", "-x")
    code, out, _ = ended(with_a_cloud("exec", "--", *command))
    assert (code, out.strip()) == (7, "['--port', '1', '-x']")


def test_exec_finds_node_and_the_cdk_needs_no_more(with_a_cloud):
    code, out, _ = ended(with_a_cloud("exec", "--", "node", "--version"))
    assert (code, out[0]) == (0, "v")


def test_exec_without_a_cloud_says_what_to_do(localcloud):
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "no cloud is up: start one with `python -m localcloud up`" in err


def test_exec_says_that_a_killed_cloud_is_gone_and_up_clears_its_file(localcloud, tmp_path):
    up = localcloud("up")
    lines_of_up(up)
    up.kill()
    up.wait()
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert f"(process {up.pid}) is gone without removing its state file" in err
    again = localcloud("up")
    lines_of_up(again)
    (state_file,) = (tmp_path / ".localcloud").iterdir()
    assert json.loads(state_file.read_text())["pid"] == again.pid


def test_exec_asks_which_of_two_clouds_is_meant(localcloud, tmp_path):
    for _ in range(2):
        lines_of_up(localcloud("up"))
    ports = sorted(path.stem for path in (tmp_path / ".localcloud").iterdir())
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "several clouds are up: say which with --port" in err
    code, out, _ = ended(localcloud("exec", "--port", ports[1], "--", "env"))
    assert f"AWS_ENDPOINT_URL=http://localhost:{ports[1]}\n" in out


def test_up_says_that_a_port_is_taken(localcloud):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = ended(localcloud("up", "--port", str(port)))
    assert code == 1
    assert f"port {port}: Address already in use" in err


def test_exec_of_a_missing_command_names_it(with_a_cloud):
    code, _, err = ended(with_a_cloud("exec", "--", "no-such-command"))
    assert code == 1
    assert "no-such-command: No such file or directory" in err


def test_foreign_state_file_is_named(localcloud, tmp_path):
    (tmp_path / ".localcloud").mkdir()
    (tmp_path / ".localcloud" / "1.json").write_text("[]")
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "1.json is no state file of a cloud" in err


def test_state_file_of_a_reused_port_is_not_mistaken_for_the_cloud(cloud, tmp_path):
    port = int(cloud.context.endpoint.rpartition(":")[2])
    mine = this_process(port, cloud.context.endpoint, {})
    mine.write(tmp_path)
    assert find_cloud(None, tmp_path) == mine
    replace(mine, pid=mine.pid + 1).write(tmp_path)
    with pytest.raises(NoCloudError, match="is gone"):
        find_cloud(None, tmp_path)
