"""The setup script's promises: which Pythons it takes, and that it says so to the others."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "setup.py"


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("checkout_setup", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "expected"),
    [((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), True), ((3, 14), False)],
)
def test_setup_supports_python_3_11_to_3_13(setup, version, expected) -> None:
    assert setup.supported(version) is expected


def test_setup_names_the_wanted_pythons_when_none_is_found(setup, monkeypatch) -> None:
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 2))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"(?s)3\.9.*3.*make PYTHON="):
        setup.main([])


def test_setup_script_is_readable_by_old_interpreters() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_setup_uses_the_standard_library_alone() -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module)
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names


def test_setup_reruns_a_step_only_when_its_input_changed(setup, tmp_path) -> None:
    log = tmp_path / "log"
    command = [[sys.executable, "-c", f"open({str(log)!r}, 'a').write('x')"]]
    for fingerprint in ("one", "one", "two"):
        setup.step("writing", tmp_path / "stamp", fingerprint, command)
    assert log.read_text() == "xx"


def test_setup_leaves_no_stamp_after_a_failed_step(setup, tmp_path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        setup.step(
            "failing", tmp_path / "stamp", "one", [[sys.executable, "-c", "raise SystemExit(3)"]]
        )
    assert not (tmp_path / "stamp").exists()
