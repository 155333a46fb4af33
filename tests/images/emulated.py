"""The images as CDK stages them, and a container of one under the runtime interface emulator.

What a container gets is what Lambda gives: the template's memory, a read-only file system, /tmp,
Lambda's own user, no capabilities. https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from localcloud.images.engine import docker

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
EPHEMERAL_STORAGE_MB = 512

# The REPORT line's "Init Duration" ends before the runtime has started; this one does not.
# https://github.com/aws/aws-lambda-runtime-interface-emulator/issues/106
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")

_RUNTIME = """
import os, pathlib, re
for process in pathlib.Path("/proc").glob("[0-9]*"):
    words = (process / "cmdline").read_bytes().split(b"\\0")
    if b"python" in words[0] and b"-c" not in words:
        used = (process / "stat").read_text().rpartition(")")[2].split()
        ticks = int(used[11]) + int(used[12])
        print(re.search(r"VmHWM:\\s+(\\d+)", (process / "status").read_text())[1])
        print(1000 * ticks // os.sysconf("SC_CLK_TCK"))
"""


@dataclass(frozen=True)
class StagedImage:
    """One image asset of a synthesized stage, and the function that the template makes of it.

    `environment` is as in the template: text, or a reference to what is deployed.
    """

    session: str
    function: str
    context: Path
    dockerfile: str
    platform: str
    build_args: Mapping[str, str]
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, Any]

    @property
    def tag(self) -> str:
        return f"serverless-hpc-test/{self.session}:{self.function}"

    def build(self, label: str) -> None:
        """As CDK's asset publisher calls docker."""
        arguments = [
            word for item in self.build_args.items() for word in ("--build-arg", "=".join(item))
        ]
        arguments += ["--tag", self.tag, "--file", str(self.context / self.dockerfile)]
        arguments += ["--platform", self.platform, "--label", label]
        docker("build", *arguments, str(self.context), within_s=600)


def staged_images(assembly: Path, session: str) -> list[StagedImage]:
    """Every image asset that a function of the templates runs, as it is tagged in this session."""
    functions = {
        re.findall(r"[0-9a-f]{64}", json.dumps(resource["Properties"]["Code"]))[0]: resource
        for template in sorted(assembly.glob("*.template.json"))
        for resource in json.loads(template.read_text()).get("Resources", {}).values()
        if resource["Type"] == "AWS::Lambda::Function"
        and "ImageUri" in resource["Properties"]["Code"]
    }
    images = []
    for listing in sorted(assembly.glob("*.assets.json")):
        for digest, asset in json.loads(listing.read_text()).get("dockerImages", {}).items():
            source, declared = asset["source"], functions[digest]["Properties"]
            images.append(
                StagedImage(
                    session=session,
                    function=Path(source["dockerFile"]).parent.name,
                    context=assembly / source["directory"],
                    dockerfile=source["dockerFile"],
                    platform=source["platform"],
                    build_args=source.get("dockerBuildArgs", {}),
                    memory_mb=declared["MemorySize"],
                    timeout_s=declared["Timeout"],
                    environment=declared.get("Environment", {}).get("Variables", {}),
                )
            )
    return images


class Emulated:
    """A container of an image that answers invocations on a loopback port."""

    def __init__(self, container: str) -> None:
        self._container = container
        port = docker("port", container, "8080/tcp").split()[0].rpartition(":")[2]
        self._url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        # The engine takes connections before the emulator does.
        waiting = Retry(total=None, connect=80, read=80, backoff_factor=0.05, backoff_max=0.25)
        self._session.mount("http://", HTTPAdapter(max_retries=waiting))
        self._session.get(self._url, timeout=30)

    def invoke(self, event: Any) -> Any:
        """The handler's answer, or the error that Lambda would answer."""
        path = "/2015-03-31/functions/function/invocations"
        return self._session.post(self._url + path, json=event, timeout=120).json()

    @property
    def log(self) -> str:
        return subprocess.run(
            ["docker", "logs", self._container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        ).stdout

    @property
    def init_ms(self) -> float:
        """How long INIT took; there is one before the first answer."""
        (found,) = _INIT.findall(self.log)
        return float(found)

    @property
    def peak_mb(self) -> float:
        """The peak resident set of the runtime's process, in MB of 1024 KB, as Lambda counts."""
        return self._runtime()[0] / 1024

    @property
    def processor_ms(self) -> float:
        """The processor time that the runtime's process has used so far."""
        return self._runtime()[1]

    def _runtime(self) -> tuple[int, int]:
        peak_kb, ticks_ms = docker("exec", self._container, "python3", "-c", _RUNTIME).split()
        return int(peak_kb), int(ticks_ms)

    def run(self, *command: str) -> str:
        """A command inside, as the image's own user."""
        return docker("exec", self._container, *command)


@contextmanager
def emulated(
    image: StagedImage, label: str, environment: Mapping[str, str], *options: str
) -> Iterator[Emulated]:
    """A container of `image` for as long as the block lasts."""
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": image.function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(image.memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(image.timeout_s),
        **environment,
    }
    container = docker(
        *("run", "--detach", "--label", label),
        *("--memory", f"{image.memory_mb}m", "--memory-swap", f"{image.memory_mb}m"),
        *("--read-only", "--tmpfs", f"/tmp:rw,mode=1777,size={EPHEMERAL_STORAGE_MB}m"),  # noqa: S108
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--publish", "127.0.0.1::8080"),
        *(word for item in variables.items() for word in ("--env", "=".join(item))),
        *options,
        image.tag,
    ).strip()
    try:
        yield Emulated(container)
    finally:
        docker("rm", "--force", "--volumes", container)
