"""Cached environments: one for a set of pinned requirements, complete or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.images.virtual_environment import (
    RequirementsError,
    VirtualEnvironments,
    cache_folder,
    pinned_requirements,
)


def test_pins_are_read_without_comments() -> None:
    text = (
        "# what the function needs\n"
        "numpy==2.3.4  # arrays\n\n"
        "boto3[crt]==1.40.0\n"
        'colorama==0.4.6; sys_platform == "win32"\n'
    )
    assert pinned_requirements(text, name="r.txt") == [
        "numpy==2.3.4",
        "boto3[crt]==1.40.0",
        'colorama==0.4.6; sys_platform == "win32"',
    ]


@pytest.mark.parametrize(
    "line", ["numpy", "numpy>=2", "numpy==2.*", "-r other.txt", "git+https://x/y", "./folder"]
)
def test_anything_but_a_pin_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(RequirementsError, match=r"r\.txt:2: .* is not an exact pin"):
        pinned_requirements(f"msgspec==0.20.0\n{line}\n", name="r.txt")


def test_failed_installation_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    environments = VirtualEnvironments(tmp_path)
    with pytest.raises(RequirementsError, match="pip could not install"):
        environments.python(["absent==1.0"], say=lambda text: None)
    left = [path.name for path in (tmp_path / "environments").iterdir()]
    assert [name for name in left if not name.endswith(".lock")] == []


def test_cache_folder_is_the_given_one_or_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path / "variable"))
    assert cache_folder() == tmp_path / "variable"
    assert cache_folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("LOCALCLOUD_CACHE")
    monkeypatch.chdir(tmp_path)
    assert cache_folder() == tmp_path / ".cache"
