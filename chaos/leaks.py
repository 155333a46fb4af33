"""What must not be there once jobs have ended: processes, files, executions that nobody owns.

`inventory` looks, `leaks` judges; the second is a pure function, so that it can be shown to find
what it is for.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from chaos.world import World

_SETTLE_S = 20.0
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """One look. Processes are by id with a word on what they are.

    `children` are all descendants of the cloud's process, `strangers` any process on this machine
    that was told this cloud's address, `owned` those that the cloud or the campaign know of.
    """

    children: dict[int, str]
    strangers: dict[int, str]
    owned: frozenset[int]
    environment_folders: frozenset[str]
    environments: int
    temporary_files: frozenset[str]
    running_executions: tuple[str, ...]


def leaks(seen: Inventory) -> list[str]:
    """Everything that nobody owns, by name."""
    found = [
        f"orphan process {pid} ({what})"
        for pid, what in sorted({**seen.strangers, **seen.children}.items())
        if pid not in seen.owned
    ]
    folders = len(seen.environment_folders)
    if folders > seen.environments:
        found.append(f"{folders} folders of environments for {seen.environments} environments")
    found += [f"leaked file {name}" for name in sorted(seen.temporary_files)]
    found += [f"execution {name} still RUNNING" for name in seen.running_executions]
    return found


def inventory(world: World, *, temporary: Path, owned: frozenset[int]) -> Inventory:
    """Look around; `temporary` is the campaign's own folder for temporary files."""
    environments = world.cloud.functions.running_processes()
    folders = world.cloud.context.state_dir / "environments"
    names = (
        frozenset(entry.name for entry in folders.iterdir()) if folders.is_dir() else frozenset()
    )
    running = world.client("stepfunctions").list_executions(
        stateMachineArn=world.deployment.state_machine_arn, statusFilter="RUNNING"
    )["executions"]
    return Inventory(
        children=_described(psutil.Process().children(recursive=True)),
        strangers=processes_told_of(world.cloud.context.endpoint),
        owned=owned | set(environments),
        environment_folders=names,
        environments=len(environments),
        temporary_files=frozenset(entry.name for entry in temporary.iterdir()),
        running_executions=tuple(execution["name"] for execution in running),
    )


def settled_leaks(world: World, *, temporary: Path, owned: frozenset[int]) -> list[str]:
    """What is left once everything had time to go: looked at until nothing is, within a bound."""
    deadline = time.monotonic() + _SETTLE_S
    while found := leaks(inventory(world, temporary=temporary, owned=owned)):
        if time.monotonic() > deadline:
            return found
        time.sleep(_LOOK_EVERY_S)
    return []


def processes_told_of(endpoint: str) -> dict[int, str]:
    """Other processes of this machine that were told that address, with a word on each."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("AWS_ENDPOINT_URL") == endpoint:
                found.append(process)
        except (psutil.Error, OSError):
            # Ended meanwhile, or not ours to look at.
            continue
    return _described(found)


def _described(processes: list[psutil.Process]) -> dict[int, str]:
    described = {}
    for process in processes:
        try:
            words = " ".join(process.cmdline()[:4]) or process.name()
            described[process.pid] = f"{words}, {process.status()}"
        except psutil.Error:
            continue
    return described
