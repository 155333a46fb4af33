"""Ends what a killed cloud leaves behind: process groups, containers and folders of environments.

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
from typing import Any, TextIO


class Reaper:
    """The cloud's side: tells the reaping process what there is to end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, dict[str, object]] = {}
        self._start()

    @property
    def pid(self) -> int:
        """The reaping process."""
        return self._process.pid

    def watch(self, process_group: int, folder: Path, removal: tuple[str, ...] = ()) -> None:
        """End `process_group`, run the command `removal` and remove `folder` if the cloud dies."""
        message = {"watch": process_group, "folder": str(folder), "removal": list(removal)}
        with self._lock:
            self._watched[process_group] = message
            self._tell(message)

    def forget(self, process_group: int) -> None:
        """`process_group` has ended; its number may be used again by others."""
        with self._lock:
            self._watched.pop(process_group, None)
            self._tell({"forget": process_group})

    def close(self) -> None:
        """End the reaping process; what is still watched is ended by it."""
        self._pipe.close()
        self._process.wait()

    def _start(self) -> None:
        read_end, write_end = os.pipe()
        # Unbuffered: a message must be on its way before the process it tells of can be lost.
        self._pipe = os.fdopen(write_end, "wb", buffering=0)
        # -I and -S keep the user's site-packages and variables out of it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=read_end,
            start_new_session=True,
        )
        os.close(read_end)

    def _tell(self, message: dict[str, object]) -> None:
        try:
            self._pipe.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            # Somebody killed it: another one takes over the whole list.
            self.close()
            self._start()
            for watched in self._watched.values():
                self._tell(watched)


def reap(messages: TextIO) -> None:
    """Keep the list that `messages` tells; when they end, end what is on it."""
    watched: dict[int, dict[str, Any]] = {}
    for line in messages:
        message = json.loads(line)
        if "watch" in message:
            watched[message["watch"]] = message
        else:
            watched.pop(message["forget"], None)
    for process_group, message in watched.items():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process_group, signal.SIGKILL)
        if message["removal"]:
            subprocess.run(message["removal"], capture_output=True, check=False)
        shutil.rmtree(message["folder"], ignore_errors=True)


if __name__ == "__main__":
    reap(sys.stdin)
