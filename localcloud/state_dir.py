"""Temporary folders of clouds: each is locked for as long as its cloud's process lives.

The lock ends with the process however that ends, so that whoever gets it knows that nobody needs
the folder any more. A folder without the lock's file is not known to be a cloud's and is kept.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATE_DIR_PREFIX = "localcloud-"
_OWNED = "owned"


@contextmanager
def temporary_state_dir() -> Iterator[Path]:
    """A new folder in the temporary directory, removed at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix=STATE_DIR_PREFIX))
    try:
        with _owned(folder):
            yield folder
    finally:
        shutil.rmtree(folder)


def remove_abandoned() -> list[Path]:
    """Remove the temporary folders of clouds whose process was killed; says which."""
    candidates = sorted(Path(tempfile.gettempdir()).glob(f"{STATE_DIR_PREFIX}*/{_OWNED}"))
    return [mark.parent for mark in candidates if _remove_if_abandoned(mark)]


def _remove_if_abandoned(mark: Path) -> bool:
    try:
        descriptor = os.open(mark, os.O_RDWR)
    except OSError:
        # Somebody else's folder, or one that goes away just now.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        shutil.rmtree(mark.parent, ignore_errors=True)
        return not mark.parent.exists()
    finally:
        os.close(descriptor)


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    # Locked before it has its name: nobody may take it between the two.
    unnamed = folder / f"{_OWNED}.new"
    with unnamed.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unnamed.rename(folder / _OWNED)
        yield
