"""A copy of the app that a test may change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP_SOURCES = ("app.py", "cdk.json", "settings", "workloads", "stacks", "lambda_src")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with all that synthesis reads."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in APP_SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder
