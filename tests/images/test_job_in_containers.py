"""`make run CONTAINERS=1` as a user has it: its predictions are those of the processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.images.engine import clouds
from localcloud.state_dir import STATE_DIR_PREFIX
from tests.images.conftest import ROOT


def _left() -> set[str]:
    """The clouds of commands, not of tests, that the engine has anything of."""
    return {cloud for cloud in clouds() if f"/{STATE_DIR_PREFIX}" in cloud}


def _run(out: Path, *options: str) -> str:
    command = [sys.executable, "-m", "localcloud", "run", "--out", str(out), *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=540
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in containers beside what was there, after which no more is there."""
    folder = tmp_path_factory.mktemp("containers")
    before = _left()
    said = _run(folder, "--containers")
    assert "nothing left behind" in said
    assert _left() <= before
    return folder


def test_every_image_is_predicted_once_and_nothing_stays(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["predicted"], summary["missing"], summary["duplicated"]) == (3_000, 0, 0)
    assert summary["residue"] == []


def test_predictions_are_those_of_processes(out: Path, tmp_path: Path) -> None:
    _run(tmp_path)
    found = (out / "predictions.csv").read_bytes()
    assert found == (tmp_path / "predictions.csv").read_bytes()
