from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from localcloud.state_file import FOLDER, NoCloudError, find_cloud, remove_stale, this_process

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
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "AWS_PROFILE": "someone-elses",
                "TMPDIR": str(folder),
            },
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


@pytest.fixture
def with_a_cloud(cloud, tmp_path: Path) -> Iterator[Start]:
    """The same in a folder where the cloud of this process is written down as up."""
    running = this_process(cloud.context.endpoint, cloud.context.state_dir, cloud.environ)
    running.write(tmp_path / FOLDER)
    with starting(tmp_path) as start:
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


def endpoint_of(lines: list[str]) -> str:
    (export,) = [line for line in lines if line.startswith("export AWS_ENDPOINT_URL=")]
    return export.partition("=")[2]


LIST = "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])"


def test_up_serves_until_it_is_told_to_end_and_leaves_no_file(localcloud, tmp_path):
    up = localcloud("up")
    lines = lines_of_up(up)
    endpoint = endpoint_of(lines)
    assert endpoint in lines[0]
    (state_file,) = (tmp_path / FOLDER).iterdir()
    assert state_file.stat().st_mode & 0o077 == 0
    script = "import boto3; boto3.client('s3').create_bucket(Bucket='by-exec')"
    code, _, err = ended(localcloud("exec", "--", sys.executable, "-c", script))
    assert code == 0, err
    code, out, _ = ended(localcloud("exec", "--", sys.executable, "-c", LIST))
    assert (code, out) == (0, "['by-exec']\n")
    up.send_signal(signal.SIGTERM)
    code, out, err = ended(up)
    assert (code, err) == (0, "")
    assert "embedded cloud down" in out
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(requests.ConnectionError):
        requests.get(endpoint, timeout=10)


def test_two_clouds_side_by_side_do_not_see_each_other_and_exec_asks_which(localcloud, tmp_path):
    ups = [localcloud("up") for _ in range(2)]
    endpoints = {endpoint_of(lines_of_up(up)) for up in ups}
    ports = sorted(path.stem for path in (tmp_path / FOLDER).iterdir())
    assert len(endpoints) == len(ports) == 2
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "several clouds are up: say which with --port" in err
    for port in ports:
        endpoint = f"http://localhost:{port}"
        create = f"import boto3; boto3.client('s3').create_bucket(Bucket='bucket-at-{port}')"
        for script in (create, LIST):
            _, out, _ = ended(
                localcloud("exec", "--port", port, "--", sys.executable, "-c", script)
            )
        assert out == f"['bucket-at-{port}']\n"
        _, out, _ = ended(localcloud("exec", "--port", port, "--", "env"))
        assert f"AWS_ENDPOINT_URL={endpoint}\n" in out
    for up in ups:
        up.send_signal(signal.SIGINT)
    assert [ended(up)[0] for up in ups] == [0, 0]


def test_exec_takes_the_exit_code_of_its_command_and_its_options_untouched(with_a_cloud):
    script = "import sys; print(sys.argv[1:]); sys.exit(7)"
    command = (sys.executable, "-c", script, "--port", "1", "-x")
    code, out, _ = ended(with_a_cloud("exec", "--", *command))
    assert (code, out.strip()) == (7, "['--port', '1', '-x']")


def test_exec_finds_the_cdk_of_this_repository(with_a_cloud):
    code, out, err = ended(with_a_cloud("exec", "--", "cdk", "--version"))
    assert (code, out[:9]) == (0, "2.1148.1 "), err


def test_exec_without_a_cloud_says_what_to_do(localcloud):
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "no cloud is up: start one with `python -m localcloud up`" in err


def test_exec_says_that_a_killed_cloud_is_gone_and_its_file_can_be_cleared(localcloud, tmp_path):
    up = localcloud("up")
    lines_of_up(up)
    up.kill()
    up.wait()
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert f"(process {up.pid}) is gone without removing its state file" in err
    (state_file,) = (tmp_path / FOLDER).iterdir()
    state_dir = Path(json.loads(state_file.read_text())["state_dir"])
    assert state_dir.is_dir()
    assert remove_stale(tmp_path / FOLDER) == [state_file]
    assert not state_file.exists()
    assert not state_dir.exists()


def test_exec_of_a_missing_command_names_it(with_a_cloud):
    code, _, err = ended(with_a_cloud("exec", "--", "no-such-command"))
    assert code == 1
    assert "no-such-command: No such file or directory" in err


def test_differences_are_said_of_what_is_deployed(with_a_cloud, cloud):
    rule = {"Status": "Enabled", "ExpirationInDays": 1}
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"LifecycleConfiguration": {"Rules": [rule]}},
    }
    client = cloud.context.client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": {"Kept": bucket}}))
    client.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    code, out, err = ended(with_a_cloud("differences"))

    lines = ["not as on AWS: lifecycle rules are not carried out: objects stay (s/Kept)"]
    assert (code, out.splitlines()) == (0, lines), err


def test_foreign_state_file_is_named(localcloud, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "1.json").write_text("[]")
    code, _, err = ended(localcloud("exec", "--", "true"))
    assert code == 1
    assert "1.json is no state file of a cloud" in err


def test_state_file_of_a_reused_port_is_not_mistaken_for_the_cloud(cloud, tmp_path):
    mine = this_process(cloud.context.endpoint, cloud.context.state_dir, {})
    mine.write(tmp_path)
    assert find_cloud(None, tmp_path) == mine
    replace(mine, pid=mine.pid + 1).write(tmp_path)
    with pytest.raises(NoCloudError, match="is gone"):
        find_cloud(None, tmp_path)
