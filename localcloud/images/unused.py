"""Which virtual environments are in use, and the removal of those that were not for long.

Each has one lock: shared by those who use the environment, held alone by who builds or removes it,
so that clouds side by side are safe. Its time is that of the last use. The file of a lock stays,
because somebody may wait for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

BUILDING_PREFIX = "building-"
_REMOVING_PREFIX = "removing-"
_DAY_S = 24 * 3600.0


def hold(home: Path) -> TextIO:
    """Keep the environment at `home` until the file is closed or the process ends."""
    return _lock(home, fcntl.LOCK_SH)


@contextmanager
def building(home: Path) -> Iterator[None]:
    """Be the only one who does anything with the environment at `home`."""
    with _lock(home, fcntl.LOCK_EX):
        yield


def remove_unused(environments: Path, *, days: int) -> list[Path]:
    """Remove the environments in a folder that nobody has used for `days`; says which.

    What a killed build left there goes with them. Raises ValueError for less than one day.
    """
    if days < 1:
        raise ValueError(f"days: {days}; allowed: 1 or more")
    before_s = time.time() - days * _DAY_S
    homes = [lock.with_suffix("") for lock in sorted(environments.glob("*.lock"))]
    removed = [home for home in homes if home.is_dir() and _remove(home, before_s)]
    for prefix in (BUILDING_PREFIX, _REMOVING_PREFIX):
        for folder in sorted(environments.glob(f"{prefix}*")):
            if folder.stat().st_mtime < before_s:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder)
    return removed


def _remove(home: Path, before_s: float) -> bool:
    with _lock_file(home).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(file.fileno()).st_mtime >= before_s:
            return False
        removing = home.with_name(_REMOVING_PREFIX + home.name)
        home.rename(removing)
    shutil.rmtree(removing, ignore_errors=True)
    return True


def _lock_file(home: Path) -> Path:
    return home.with_suffix(".lock")


def _lock(home: Path, operation: int) -> TextIO:
    file = _lock_file(home).open("a")
    fcntl.flock(file, operation)
    os.utime(file.fileno())
    return file
