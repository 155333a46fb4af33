"""Where a running cloud is written down, so that other commands in the same folder find it.

One file per cloud under `.localcloud/`, readable by its owner alone: it holds the cloud's keys.
A file whose cloud is gone is stale: it is named as such and never used.
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.state_dir import STATE_DIR_PREFIX

IDENTITY_PATH = "/_localcloud/identity"
FOLDER = Path(".localcloud")
_ANSWER_WITHIN_S = 5


class NoCloudError(Exception):
    """No running cloud can be meant; the message says what to do."""


@dataclass(frozen=True)
class RunningCloud:
    """A cloud that is up: its port, its process and the variables with which to use it."""

    port: int
    pid: int
    endpoint: str
    state_dir: str
    environ: dict[str, str]

    def write(self, folder: Path = FOLDER) -> None:
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.port}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2))

    def remove(self, folder: Path = FOLDER) -> None:
        """Take the file away, and the folder with the last one."""
        (folder / f"{self.port}.json").unlink(missing_ok=True)
        # Another cloud's file may be in it, or its end may have taken the folder away just now.
        with suppress(OSError):
            folder.rmdir()

    def answers(self) -> bool:
        """Whether the cloud that wrote this still serves its port."""
        try:
            with urllib.request.urlopen(  # noqa: S310 - http on this machine
                self.endpoint + IDENTITY_PATH, timeout=_ANSWER_WITHIN_S
            ) as answer:
                identity = json.load(answer)
        except (OSError, urllib.error.URLError, ValueError):
            return False
        return bool(identity.get("pid") == self.pid)


def find_cloud(port: int | None, folder: Path = FOLDER) -> RunningCloud:
    """The cloud at `port`, or the only one that is up. Raises NoCloudError."""
    start = "start one with `python -m localcloud up` (or `make cloud`) in this folder"
    clouds = [read(path) for path in sorted(folder.glob("*.json"))]
    if port is not None:
        clouds = [cloud for cloud in clouds if cloud.port == port]
    up = [cloud for cloud in clouds if cloud.answers()]
    if len(up) == 1:
        return up[0]
    if up:
        ports = ", ".join(str(cloud.port) for cloud in up)
        raise NoCloudError(f"several clouds are up: say which with --port ({ports})")
    if clouds:
        gone = ", ".join(f"port {cloud.port} (process {cloud.pid})" for cloud in clouds)
        raise NoCloudError(f"the cloud at {gone} is gone without removing its state file: {start}")
    where = f" at port {port}" if port is not None else ""
    raise NoCloudError(f"no cloud is up{where}: {start}")


def read(path: Path) -> RunningCloud:
    """Raises NoCloudError for a file that is not a cloud's."""
    try:
        return RunningCloud(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise NoCloudError(f"{path} is no state file of a cloud ({error}): remove it") from error


def remove_stale(folder: Path = FOLDER) -> list[Path]:
    """Remove the files of clouds that are gone, and the folders they wrote in."""
    removed = []
    for path in sorted(folder.glob("*.json")):
        cloud = read(path)
        if not cloud.answers():
            if Path(cloud.state_dir).name.startswith(STATE_DIR_PREFIX):
                shutil.rmtree(cloud.state_dir, ignore_errors=True)
            path.unlink()
            removed.append(path)
    return removed


def this_process(endpoint: str, state_dir: Path, environ: dict[str, str]) -> RunningCloud:
    """What this process writes down about the cloud in it."""
    return RunningCloud(
        port=int(endpoint.rpartition(":")[2]),
        pid=os.getpid(),
        endpoint=endpoint,
        state_dir=str(state_dir),
        environ=environ,
    )
