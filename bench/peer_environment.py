"""The virtual environments of peers: other systems, pinned, kept apart from this project's own.

One is made only when asked for (`python -m bench --install-peers`), because it comes from the
network; a figure that finds none says so and goes on without.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.images import ROOT

PEERS = ROOT / ".cache" / "peers"
REQUIREMENTS = Path(__file__).parent / "peers"


def peer_python(name: str, *, folder: Path = PEERS) -> Path | None:
    """The interpreter of an installed peer; None when it is not installed as it is pinned now.

    Raises ValueError for an unknown peer.
    """
    wanted = _requirements(name).read_text()
    home = folder / name
    installed = home / "requirements.txt"
    if not installed.exists() or installed.read_text() != wanted:
        return None
    return home / "bin" / "python"


def install_peer(name: str, *, folder: Path = PEERS) -> Path:
    """Make the environment of a peer anew; its interpreter.

    Raises ValueError for an unknown peer, CalledProcessError when pip cannot install it.
    """
    requirements = _requirements(name)
    home = folder / name
    if home.exists():
        shutil.rmtree(home)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "-r", str(requirements)], check=True)
    # Last, and outside the environment's own files: an interrupted installation is none.
    (home / "requirements.txt").write_text(requirements.read_text())
    return python


def _requirements(name: str) -> Path:
    path = REQUIREMENTS / f"{name}.txt"
    if not path.exists():
        known = ", ".join(sorted(one.stem for one in REQUIREMENTS.glob("*.txt")))
        raise ValueError(f"peer: {name!r}; allowed: {known}")
    return path
