from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.__main__ import tidy_up
from localcloud.state_dir import STATE_DIR_PREFIX, remove_abandoned, temporary_state_dir

REPOSITORY = Path(__file__).parents[3]
OWNER = """
import signal
from localcloud.state_dir import temporary_state_dir
with temporary_state_dir() as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    signal.pause()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory of this process."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def owner(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a folder there, whose path it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_folder_of_a_killed_process_is_removed_and_named(owner, temporary, capsys):
    folder = folder_of(owner)
    assert folder.parent == temporary
    tidy_up()
    assert (folder / "file").exists()
    owner.kill()
    owner.wait()
    tidy_up()
    assert not folder.exists()
    assert capsys.readouterr().err == f"removed {folder}: its cloud was killed\n"


def test_folder_that_is_not_known_to_be_a_clouds_is_kept(temporary):
    bystander = temporary / f"{STATE_DIR_PREFIX}any"
    bystander.mkdir()
    assert remove_abandoned() == []
    assert bystander.is_dir()


def test_folder_in_use_in_this_process_is_kept_and_gone_at_its_end(temporary):
    with temporary_state_dir() as folder:
        assert remove_abandoned() == []
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []
