"""A small disk of memory (tmpfs) that can be made full and given room again, as a mount.

Full is what the kernel says: no byte and no inode more than there are. Where this process may not
mount anything there is no such disk, and the caller has to say that the fault is left out.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_SIZE_MB = 512
_FILES = 100_000
_ATTEMPTS = 20


class SmallDisk:
    """A mounted tmpfs; several faults may hold it full at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._held = 0

    @classmethod
    @contextmanager
    def mounted(cls, folder: Path) -> Iterator[Self | None]:
        """Mount one at `folder`, which is made; None where that is not permitted."""
        folder.mkdir(parents=True)
        mounted = _mount(f"size={_SIZE_MB}m,nr_inodes={_FILES}", folder)
        try:
            yield cls(folder) if mounted else None
        finally:
            if mounted:
                subprocess.run(["umount", str(folder)], check=True)

    def fill(self) -> None:
        """Take away all free space. Raises OSError where the kernel will not have it."""
        with self._lock:
            self._held += 1
            # What is in use grows meanwhile, and a size below it is refused: then measure again.
            for _ in range(_ATTEMPTS):
                state = os.statvfs(self.folder)
                used_bytes = (state.f_blocks - state.f_bfree) * state.f_frsize
                used_files = state.f_files - state.f_ffree
                if _mount(f"remount,size={used_bytes},nr_inodes={used_files}", self.folder):
                    return
            raise OSError(f"{self.folder}: its size could not be taken down to what is in use")

    def free(self) -> None:
        """Give the space back, once nobody holds it any more."""
        with self._lock:
            self._held -= 1
            if self._held == 0 and not _mount(
                f"remount,size={_SIZE_MB}m,nr_inodes={_FILES}", self.folder
            ):
                raise OSError(f"{self.folder}: its size could not be restored")


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
