from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from localcloud.__main__ import cli
from localcloud.state_file import FOLDER, this_process


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Give back the handlers that `up` sets where it runs in this process."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_up_says_that_a_port_is_taken(tmp_path, monkeypatch, own_signals):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli, ["up", "--port", str(port)])
    assert result.exit_code == 1
    assert f"port {port}: Address already in use" in result.output


def test_up_clears_the_files_of_clouds_that_are_gone(tmp_path, monkeypatch, own_signals):
    monkeypatch.chdir(tmp_path)
    precious = tmp_path / "of-the-user"
    precious.mkdir()
    this_process("http://localhost:1", precious, {}).write()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(cli, ["up", "--port", str(taken.getsockname()[1])])
    assert "removed .localcloud/1.json: its cloud is gone" in result.output
    assert not (tmp_path / FOLDER / "1.json").exists()
    assert precious.is_dir()
