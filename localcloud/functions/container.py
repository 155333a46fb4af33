"""A container of a function's real image as its sandbox, held to what Lambda holds one to.

The engine enforces memory, the read-only file system and /tmp; the image's own runtime client
calls the Runtime API on this machine's loopback, so the container shares its network. It is started
by the `docker` program, whose process lives as long as the container and passes on its output and
exit code.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from localcloud.functions.memory import PeakMemory
from localcloud.images.engine import LABEL, EngineError, docker

# Lambda runs every image as a user of its own, whatever USER says: as a program in one found
# itself, https://docs.rs/crate/run-command-on-aws-lambda/latest/source/README.md
LAMBDA_USER = "993:990"
# /tmp as it is unless configured, open files and processes:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution
_EPHEMERAL_STORAGE_MB = 512
_OPEN_FILES = 1024
_PROCESSES = 1024

_SIGNALLED = 128
_LAST_OUTPUT_S = 5.0


@dataclass(frozen=True)
class ContainerImage:
    """What a function version says of its container: the image, and what it sets of its own."""

    image: str
    cloud: str
    command: tuple[str, ...] = ()
    entry_point: tuple[str, ...] = ()
    workdir: str | None = None


@dataclass(frozen=True)
class ContainerStart:
    """Starts a container; `variables` are those beside the image's own."""

    name: str
    image: ContainerImage
    memory_mb: int
    variables: Mapping[str, str] = field(repr=False)

    def __call__(self, runtime_api: str, output: int) -> ContainerSandbox:
        """Raises OSError if the engine cannot make the container."""
        variables = {**self.variables, "AWS_LAMBDA_RUNTIME_API": runtime_api}
        # One with a line break cannot be in a file; the others are not for every `ps` to see.
        told = [word for item in variables.items() if "\n" in item[1] for word in _as_option(*item)]
        listed = "".join(f"{n}={v}\n" for n, v in variables.items() if "\n" not in v)
        try:
            docker(
                "create",
                *("--name", self.name, "--label", f"{LABEL}={self.image.cloud}"),
                *("--pull", "never", "--network", "host", "--log-driver", "none"),
                *("--memory", f"{self.memory_mb}m", "--memory-swap", f"{self.memory_mb}m"),
                *("--read-only", "--tmpfs", f"/tmp:rw,mode=1777,size={_EPHEMERAL_STORAGE_MB}m"),  # noqa: S108
                # As on Lambda, the client is not process 1, which no signal of its own would end.
                *("--init", "--user", LAMBDA_USER, "--cap-drop", "ALL"),
                *("--security-opt", "no-new-privileges"),
                *("--pids-limit", str(_PROCESSES), "--ulimit", f"nofile={_OPEN_FILES}"),
                *told,
                *("--env-file", "/dev/stdin"),
                *self._as_configured(),
                given=listed,
            )
        except EngineError as error:
            raise OSError(str(error)) from error
        attached = subprocess.Popen(
            ["docker", "start", "--attach", self.name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        return ContainerSandbox(self.name, attached)

    def _as_configured(self) -> list[str]:
        """ImageConfig's settings, the image, and its command, in the engine's order."""
        program, *words = self.image.entry_point or ("",)
        options = ["--entrypoint", program] if program else []
        if self.image.workdir:
            options += ["--workdir", self.image.workdir]
        return [*options, self.image.image, *words, *self.image.command]


def _as_option(name: str, value: str) -> list[str]:
    return ["--env", f"{name}={value}"]


class ContainerSandbox:
    """A started container and the program that is attached to it."""

    def __init__(self, name: str, attached: subprocess.Popen[bytes]) -> None:
        self._name = name
        self._attached = attached
        self._memory: PeakMemory | None = None
        self._removed = False
        self.removal = ("docker", "rm", "--force", "--volumes", name)

    @property
    def pid(self) -> int:
        """The attached program, which ends with the container."""
        return self._attached.pid

    @property
    def peak_memory_mb(self) -> float:
        """Peak resident set of the runtime client, as of the last look."""
        return self._memory.peak_mb if self._memory else 0.0

    def poll(self) -> int | None:
        """The return code, negative for a signal; None while it runs."""
        code = self._attached.poll()
        return _SIGNALLED - code if code is not None and code > _SIGNALLED else code

    def look(self) -> float:
        """Look at its memory; the peak so far.

        The engine tells the process once it has started it: asked while the runtime initialises.
        """
        if self._memory is None:
            runtime = self._runtime()
            if runtime is None:
                return 0.0
            self._memory = PeakMemory(runtime)
        return self._memory.look()

    def _runtime(self) -> int | None:
        """The process of the runtime client: the only child of the engine's init."""
        init = self._state().get("Pid")
        try:
            children = psutil.Process(init).children() if isinstance(init, int) and init else []
        except psutil.NoSuchProcess:
            children = []
        return children[0].pid if children else None

    def over_memory(self, limit_mb: int) -> bool:
        """Never: the kernel ends a container that would go over its limit."""
        return False

    @property
    def killed_for_memory(self) -> bool:
        """Whether the kernel ended it so."""
        return bool(self._state().get("OOMKilled"))

    def kill(self) -> None:
        """Remove the container, running or not."""
        if not self._removed:
            self._removed = True
            subprocess.run(self.removal, capture_output=True, check=False)

    def end(self) -> None:
        """Remove the container, and wait for the attached program."""
        self.kill()
        try:
            # By itself it passes on the last of the output.
            self._attached.wait(_LAST_OUTPUT_S)
        except subprocess.TimeoutExpired:
            self._attached.kill()
            self._attached.wait()

    def _state(self) -> dict[str, object]:
        try:
            told: dict[str, object] = json.loads(
                docker("inspect", "--type", "container", "--format", "{{json .State}}", self._name)
            )
        except EngineError:
            # It was removed meanwhile, by whoever killed it.
            return {}
        return told
