"""Ends what a killed cloud leaves behind: process groups and folders of its environments.

A cloud that stops in order ends its environments itself. One that dies cannot, and a handler that
hangs would outlive it for ever; so a small process of its own session waits for the cloud's pipe
to close. It imports the standard library only, and is run as a file so that it starts in some 10
ms.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TextIO


class Reaper:
    """The cloud's side: tells the reaping process what there is to end."""

    def __init__(self) -> None:
        # -I and -S keep the user's site-packages and variables out of it.
        read_end, write_end = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=read_end,
            start_new_session=True,
        )
        os.close(read_end)
        self._messages = os.fdopen(write_end, "w")
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The reaping process."""
        return self._process.pid

    def watch(self, process_group: int, folder: Path) -> None:
        """End `process_group` and remove `folder` if the cloud dies."""
        self._tell({"watch": process_group, "folder": str(folder)})

    def forget(self, process_group: int) -> None:
        """`process_group` has ended; its number may be used again by others."""
        self._tell({"forget": process_group})

    def close(self) -> None:
        """End the reaping process; what is still watched is ended by it."""
        self._messages.close()
        self._process.wait()

    def _tell(self, message: dict[str, object]) -> None:
        with self._lock:
            self._messages.write(json.dumps(message) + "\n")
            self._messages.flush()


def reap(messages: TextIO) -> None:
    """Keep the list that `messages` tells; when they end, end what is on it."""
    watched: dict[int, str] = {}
    for line in messages:
        message = json.loads(line)
        if "watch" in message:
            watched[message["watch"]] = message["folder"]
        else:
            watched.pop(message["forget"], None)
    for process_group, folder in watched.items():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process_group, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    reap(sys.stdin)
