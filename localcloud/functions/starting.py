"""Which sandbox an environment gets: a container where its image has one, otherwise a process."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from localcloud.functions.container import ContainerStart
from localcloud.functions.invocation import EnvironmentSpec
from localcloud.functions.sandbox import ProcessStart, Start


def sandbox_start(spec: EnvironmentSpec, own_variables: Mapping[str, str], folder: Path) -> Start:
    """How to start a sandbox of `spec` with an environment's own variables and folder.

    A process gets its /tmp in the folder, which is made; a container has one of its own. Raises
    OSError if the folder cannot be made.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    variables = {**spec.variables, **own_variables}
    if spec.container is None:
        variables |= {"HOME": str(temporary), "TMPDIR": str(temporary)}
        return ProcessStart(spec.python, spec.handler, spec.workdir, variables)
    # INIT may be repeated, in another container of the same environment.
    name = f"localcloud-{folder.name}-{secrets.token_hex(4)}"
    return ContainerStart(name, spec.container, spec.memory_mb, variables)
