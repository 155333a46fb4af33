"""How much memory a process has used at most.

Linux keeps the peak itself, so that a spike between two looks is not missed; elsewhere the peak
is that of the looks. Only the process itself counts, not its children.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

_KB_PER_MB = 1024
_BYTES_PER_MB = 1024 * 1024


class PeakMemory:
    """The peak resident set of one process, as far as it was looked at."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._status = Path(f"/proc/{pid}/status")
        self.peak_mb = 0.0

    def look(self) -> float:
        """Look now; returns the peak in MB so far (unchanged if the process is gone)."""
        self.peak_mb = max(self.peak_mb, self._now_mb())
        return self.peak_mb

    def _now_mb(self) -> float:
        if sys.platform == "linux":
            try:
                status = self._status.read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                return 0.0
            # A process that has ended but is not reaped has no VmHWM line.
            _, found, rest = status.partition(b"VmHWM:")
            return int(rest.split(maxsplit=1)[0]) / _KB_PER_MB if found else 0.0
        try:
            return float(psutil.Process(self._pid).memory_info().rss) / _BYTES_PER_MB
        except psutil.NoSuchProcess:
            return 0.0
