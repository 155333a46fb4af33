"""The end of an environment's folder, in which its processes may be writing to the last."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

log = logging.getLogger(__name__)

_ATTEMPTS = 20
_BETWEEN_S = 0.01


def remove_folder(folder: Path) -> None:
    """Remove `folder` if it is there; says so in the log if it cannot.

    Only the leader of a killed process group is waited for: the others may make another file while
    theirs go.
    """
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_BETWEEN_S)
    log.warning("could not remove %s", folder)
