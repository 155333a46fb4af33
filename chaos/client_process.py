"""`python -m hpc run` as a user starts it, and starts it again when it was killed or gave up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.cdk import REPOSITORY

_STARTS_AT_MOST = 6


class ClientStuckError(Exception):
    """The client neither ended nor could be believed to."""


class ClientProcess:
    """One job's client: the same command with the same job id, however often it is started."""

    def __init__(
        self, *, stage: str, images: Path, shard_size: int, job_id: str, out: Path
    ) -> None:
        self._command = [sys.executable, "-m", "hpc", "run", "--stage", stage, "--no-labels"]
        self._command += ["--images", str(images), "--shard-size", str(shard_size)]
        self._command += ["--job-id", job_id, "--out", str(out)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def kill(self) -> bool:
        """SIGKILL the client that runs; False if none does."""
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL

    def run(self, log: Path, *, job_has_failed: Callable[[], bool], within_s: float) -> int:
        """Start it until it has succeeded, or says that the job has failed; its exit status.

        A client may give up when the network does; the job is not over by that.
        Raises ClientStuckError when that takes longer than `within_s`, or too many starts.
        """
        deadline = time.monotonic() + within_s
        with log.open("ab") as output:
            while self.starts < _STARTS_AT_MOST:
                self.starts += 1
                process = subprocess.Popen(
                    self._command, cwd=REPOSITORY, env=os.environ, stdout=output, stderr=output
                )
                with self._lock:
                    self._process = process
                try:
                    status = process.wait(max(deadline - time.monotonic(), 1))
                except subprocess.TimeoutExpired as error:
                    process.kill()
                    process.wait()
                    raise ClientStuckError(f"the client ran for over {within_s:g} s") from error
                if status == 0 or (status != -signal.SIGKILL and job_has_failed()):
                    return status
        raise ClientStuckError(f"the client was started {self.starts} times, in vain")
