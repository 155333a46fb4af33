"""Virtual environments that nobody uses any more go; those that somebody uses stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from localcloud.images.unused import building, hold, remove_unused
from localcloud.images.virtual_environment import VirtualEnvironments

DAY_S = 24 * 3600


def environment(folder: Path, name: str, *, unused_days: float) -> Path:
    """A folder as VirtualEnvironments makes them, with its lock."""
    home = folder / name
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").touch()
    age(home.with_suffix(".lock"), unused_days)
    return home


def age(path: Path, days: float) -> None:
    path.touch()
    used_s = time.time() - days * DAY_S
    os.utime(path, (used_s, used_s))


def test_environment_that_nobody_used_for_long_goes_and_others_stay(tmp_path: Path) -> None:
    old = environment(tmp_path, "old", unused_days=31)
    recent = environment(tmp_path, "recent", unused_days=29)
    assert remove_unused(tmp_path, days=30) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.lock", "recent", "recent.lock"]
    assert remove_unused(tmp_path, days=30) == []
    assert (recent / "bin" / "python").exists()


def test_environment_in_use_by_another_stays_however_old(tmp_path: Path) -> None:
    home = environment(tmp_path, "held", unused_days=0)
    with hold(home), hold(home):
        age(home.with_suffix(".lock"), 31)
        assert remove_unused(tmp_path, days=30) == []
    assert remove_unused(tmp_path, days=30) == [home]


def test_environment_being_built_stays(tmp_path: Path) -> None:
    home = environment(tmp_path, "built", unused_days=0)
    with building(home):
        age(home.with_suffix(".lock"), 31)
        assert remove_unused(tmp_path, days=30) == []


def test_using_an_environment_renews_it(tmp_path: Path) -> None:
    home = environment(tmp_path, "used", unused_days=31)
    hold(home).close()
    assert remove_unused(tmp_path, days=30) == []


def test_what_a_killed_build_left_goes_after_the_same_time(tmp_path: Path) -> None:
    for name, days in (("building-old", 31), ("removing-old", 31), ("building-now", 0)):
        (tmp_path / name).mkdir()
        age(tmp_path / name, days)
    removed = remove_unused(tmp_path, days=30)
    assert [path.name for path in removed] == ["building-old", "removing-old"]
    assert [path.name for path in tmp_path.iterdir()] == ["building-now"]


def test_less_than_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="days: 0; allowed: 1 or more"):
        remove_unused(tmp_path, days=0)


def test_environments_of_a_clouds_functions_are_held_until_it_stops(tmp_path: Path) -> None:
    environments = VirtualEnvironments(tmp_path)
    held = environment(tmp_path / "environments", "any", unused_days=0)
    environments.hold(held / "bin" / "python")
    age(held.with_suffix(".lock"), 31)
    others = VirtualEnvironments(tmp_path)
    assert others.remove_unused(days=30) == []
    environments.release()
    assert others.remove_unused(days=30) == [held]
