"""Virtual environments with exactly the requirements of an image, kept across runs.

One folder per set of requirements and Python, built aside and renamed into place, so that what is
there is complete; a file lock makes parallel builds of the same set wait for one. What nobody has
used for long can be removed. It refuses requirements that are not pinned: the folder's name would
then not say what is in it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from localcloud.images.unused import BUILDING_PREFIX, building, hold, remove_unused

# What the real base image brings beside Python: https://pypi.org/project/awslambdaric/
RUNTIME_INTERFACE_CLIENT = "awslambdaric==4.2.2"

_PINNED = re.compile(
    r"[A-Za-z0-9][\w.-]*(\[[\w,.\s-]+\])?\s*==\s*[\w.!+-]+(\s*;.*)?(\s+--hash=\S+)*"
)
_PIP_FAILURE_LINES = 20


class RequirementsError(ValueError):
    """Requirements that are not pinned, or that could not be installed."""


def cache_folder(configured: Path | None = None) -> Path:
    """Where environments are kept: the given folder, else LOCALCLOUD_CACHE, else ./.cache."""
    return (configured or Path(os.environ.get("LOCALCLOUD_CACHE", ".cache"))).resolve()


def pinned_requirements(text: str, *, name: str) -> list[str]:
    """The requirements in a file's text; raises RequirementsError unless all are pinned."""
    requirements = []
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), start=1):
        requirement = re.sub(r"(^|\s)#.*", "", line).strip()
        if not requirement:
            continue
        if not _PINNED.fullmatch(requirement):
            raise RequirementsError(
                f"{name}:{number}: {requirement!r} is not an exact pin; allowed: NAME==VERSION"
            )
        requirements.append(requirement)
    return requirements


class VirtualEnvironments:
    """The environments under one cache folder."""

    def __init__(self, cache_dir: Path) -> None:
        self._folder = cache_dir / "environments"
        self._held: dict[Path, TextIO] = {}

    def python(self, requirements: list[str], say: Callable[[str], None]) -> Path:
        """The interpreter that has `requirements` and the runtime interface client.

        It is built if need be; `say` gets lines of progress. Raises RequirementsError with pip's
        words if it cannot install.
        """
        wanted = sorted(requirements)
        if not any(re.match(r"awslambdaric\b", requirement) for requirement in wanted):
            wanted.append(RUNTIME_INTERFACE_CLIENT)
        home = self._folder / _key(wanted)
        python = home / "bin" / "python"
        self._folder.mkdir(parents=True, exist_ok=True)
        with hold(home):
            if python.exists():
                return python
        with building(home):
            if not python.exists():
                started = time.monotonic()
                say(f"installing {', '.join(wanted)} for Python {platform.python_version()}")
                self._build(home, wanted)
                say(f"installed in {time.monotonic() - started:.1f} s: {home}")
        return python

    def hold(self, python: Path) -> None:
        """Keep the environment of an interpreter from being removed, until `release`."""
        home = python.parent.parent
        if home not in self._held:
            self._held[home] = hold(home)

    def release(self) -> None:
        """Let others remove what was held."""
        while self._held:
            self._held.popitem()[1].close()

    def remove_unused(self, *, days: int) -> list[Path]:
        """Remove the environments that nobody has used for `days`; says which.

        Raises ValueError for less than one day.
        """
        return remove_unused(self._folder, days=days)

    def _build(self, home: Path, requirements: list[str]) -> None:
        # A renamed environment keeps working: its python is a link to the base interpreter. Only
        # the first line of its console scripts goes stale, and none of them is run.
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=BUILDING_PREFIX) as folder:
            building = Path(folder) / "environment"
            venv.EnvBuilder(with_pip=False, symlinks=True).create(building)
            listing = building / "requirements.txt"
            listing.write_text("\n".join(requirements) + "\n")
            pip = [sys.executable, "-m", "pip", "--python", str(building / "bin" / "python")]
            quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
            install = subprocess.run(
                [*pip, "install", *quiet, "-r", str(listing)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if install.returncode != 0:
                words = "\n".join(install.stdout.splitlines()[-_PIP_FAILURE_LINES:])
                raise RequirementsError(
                    f"pip could not install {', '.join(requirements)}:\n{words}"
                )
            if home.exists():
                shutil.rmtree(home)
            building.rename(home)


def _key(requirements: list[str]) -> str:
    """Names what an environment depends on: requirements, interpreter build and its place."""
    interpreter = (platform.python_version(), sysconfig.get_platform(), sys.base_prefix)
    text = "\n".join([*interpreter, *requirements])
    return hashlib.sha256(text.encode()).hexdigest()[:24]
