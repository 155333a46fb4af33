"""The container engine of this machine, by its command line.

The command line and not the SDK: CDK needs it anyway, only it builds with BuildKit, and a started
container is then a child with an exit code and an output like any other process. It says how the
engine is called, not what is built or run. An engine of another machine is refused: its containers
could not reach this one's loopback.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

# What every container and image of a cloud is labelled with, beside `cloud_label` as its value.
LABEL = "serverless-hpc.cloud"

_ANSWERS_WITHIN_S = 20.0
_SAID_LINES = 20
_GONE_WITHIN_S = 20.0
_LOOK_AGAIN_S = 0.2


class EngineError(Exception):
    """The engine refused; the message ends with what it said last."""


class NoEngineError(EngineError):
    """No engine answers on this machine."""


def docker(*arguments: str, within_s: float | None = None, given: str | None = None) -> str:
    """Run one command to its end with `given` as its input; what it wrote to its standard output.

    Raises NoEngineError without the program, EngineError for a failure or when `within_s` passed.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments],
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoEngineError("the program `docker` is not on the PATH") from error
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"docker {arguments[0]}: no answer within {within_s:g} s") from error
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).splitlines()[-_SAID_LINES:])
        raise EngineError(f"docker {arguments[0]} ended with {done.returncode}\n{said}".rstrip())
    return done.stdout


def require_engine() -> str:
    """The version of this machine's engine.

    Raises NoEngineError where none answers, or one that cannot run containers beside this process.
    """
    if not sys.platform.startswith("linux"):
        raise NoEngineError(f"containers need an engine on Linux; this is {sys.platform}")
    host = os.environ.get("DOCKER_HOST", "unix://")
    if not host.startswith("unix://"):
        raise NoEngineError(f"DOCKER_HOST: {host!r}; allowed: unset or unix://…, on this machine")
    try:
        return docker(
            "version", "--format", "{{.Server.Version}}", within_s=_ANSWERS_WITHIN_S
        ).strip()
    except EngineError as error:
        raise NoEngineError(f"no Docker engine answers on this machine: {error}") from error


def cloud_label(state_dir: Path) -> str:
    """What names a cloud's containers and images: its folder, which no other cloud has."""
    return str(state_dir.resolve())


def containers_of(cloud: str) -> list[str]:
    """The ids of all containers of a cloud, those that have ended included."""
    return docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={cloud}").split()


def images_of(cloud: str) -> list[str]:
    """The ids of all images built for a cloud."""
    named = f"label={LABEL}={cloud}"
    return sorted(set(docker("images", "--quiet", "--no-trunc", "--filter", named).split()))


def remove_all_of(cloud: str) -> None:
    """Remove every container and image of a cloud; layers that others use stay.

    What somebody else is removing just now is waited for. Raises EngineError if any is left.
    """
    until = time.monotonic() + _GONE_WITHIN_S
    while left := _remove_once(cloud):
        if time.monotonic() > until:
            raise EngineError(f"the engine still has {', '.join(left)} of {cloud}")
        time.sleep(_LOOK_AGAIN_S)


def _remove_once(cloud: str) -> list[str]:
    """What is left after one attempt."""
    if containers := containers_of(cloud):
        _remove("rm", "--force", "--volumes", *containers)
    if images := images_of(cloud):
        # What they were built from stays as the engine's cache: the next build takes no minute.
        _remove("rmi", "--force", "--no-prune", *images)
    return containers_of(cloud) + images_of(cloud) if containers or images else []


def _remove(*arguments: str) -> None:
    try:
        docker(*arguments)
    except EngineError as error:
        # Somebody else may have been faster; who removes looks for what is left.
        log.debug("%s", error)


@contextmanager
def engine_for(cloud: str) -> Iterator[None]:
    """The engine for as long as a cloud lives, after which it has nothing of the cloud.

    What clouds that were killed left in it goes first. Raises NoEngineError.
    """
    require_engine()
    remove_abandoned()
    try:
        yield
    finally:
        remove_all_of(cloud)


def clouds() -> set[str]:
    """The labels of all clouds that the engine has containers or images of."""
    labelled = f"label={LABEL}"
    told = docker("ps", "--all", "--filter", labelled, "--format", f'{{{{.Label "{LABEL}"}}}}')
    if images := set(docker("images", "--quiet", "--filter", labelled).split()):
        of_the_label = f'{{{{index .Config.Labels "{LABEL}"}}}}'
        told += docker("image", "inspect", "--format", of_the_label, *images)
    return set(told.split("\n")) - {""}


def remove_abandoned() -> list[str]:
    """Remove containers and images of clouds whose folder is gone; says of which."""
    gone = {cloud for cloud in clouds() if cloud.startswith("/") and not Path(cloud).exists()}
    for cloud in gone:
        remove_all_of(cloud)
    return sorted(gone)
