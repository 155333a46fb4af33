"""Where a function version's code lies on this machine, and by which Python it runs.

A container function's code is the pushed image: a folder and a Python, or, where a container engine
built it, the container's image. A zip function with a Python runtime is unpacked
beside a Python that has the runtime interface client only: the SDK that AWS's managed runtime
brings is not in it. Any other runtime is refused.
"""

from __future__ import annotations

import base64
import io
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.functions.configuration import FunctionConfiguration
from localcloud.functions.container import ContainerImage
from localcloud.functions.errors import (
    InvalidRuntimeError,
    InvalidZipFileError,
    ResourceNotReadyError,
    ServiceFailureError,
)
from localcloud.images.dockerfile import TASK_ROOT
from localcloud.images.engine import cloud_label
from localcloud.images.store import Image, ImageNotFoundError, ImageStore
from localcloud.images.virtual_environment import RequirementsError, VirtualEnvironments


@dataclass(frozen=True)
class Code:
    """A function's files and interpreter; `environment` is what the image sets.

    With a `container`, what it runs in has all of these of its own.
    """

    python: Path
    task: Path
    workdir: Path
    handler: str
    environment: Mapping[str, str]
    container: ContainerImage | None = None


class CodeStore:
    """The code of this cloud's functions: pushed images, and zip archives unpacked on demand."""

    def __init__(self, state_dir: Path, environments: VirtualEnvironments) -> None:
        self._cloud = cloud_label(state_dir)
        self._images = ImageStore(state_dir)
        self._folder = state_dir / "zips"
        self._environments = environments

    def code(self, function: FunctionConfiguration) -> Code:
        """The code of a function version.

        Raises ResourceNotReadyError if its image was not pushed to this cloud, InvalidRuntimeError
        if it cannot run here, ServiceFailureError if this machine cannot take its files.
        """
        try:
            code = self._code(function)
            self._environments.hold(code.python)
        except (OSError, RequirementsError) as error:
            raise ServiceFailureError(f"Could not prepare the code: {error}") from error
        return code

    def release(self) -> None:
        """Let the virtual environments of this cloud's functions be removed."""
        self._environments.release()

    def _code(self, function: FunctionConfiguration) -> Code:
        if function.zip_bytes is None:
            return self._image_code(function)
        if not (function.runtime or "").startswith("python"):
            raise InvalidRuntimeError(
                f"{function.name}: runtime {function.runtime!r} cannot run in the embedded cloud; "
                "allowed: container images on the Python base image, and python3.x zip archives"
            )
        return self._zip_code(function)

    def _image_code(self, function: FunctionConfiguration) -> Code:
        try:
            image = self._images.by_code_sha256(function.code_sha256)
        except ImageNotFoundError as error:
            raise ResourceNotReadyError(f"{function.name}: {error}") from error
        container = self._container(function, image)
        if function.entry_point and container is None:
            raise InvalidRuntimeError(
                f"{function.name}: ImageConfig.EntryPoint is not supported in the embedded cloud"
            )
        task = Path(image.task)
        workdir = Path(image.workdir)
        if function.workdir and container is None:
            workdir = task / Path(function.workdir).relative_to(TASK_ROOT)
        return Code(
            python=Path(image.python),
            task=task,
            workdir=workdir,
            handler=function.handler or image.handler,
            environment=image.environment,
            container=container,
        )

    def _container(self, function: FunctionConfiguration, image: Image) -> ContainerImage | None:
        if image.container is None:
            return None
        return ContainerImage(
            image=image.container,
            cloud=self._cloud,
            command=(function.handler or image.handler,),
            entry_point=function.entry_point,
            workdir=function.workdir,
        )

    def _zip_code(self, function: FunctionConfiguration) -> Code:
        digest = base64.b64decode(function.code_sha256).hex()
        task = self._folder / digest
        if not task.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix="unpacking-") as folder:
                unpacked = Path(folder) / "task"
                try:
                    with zipfile.ZipFile(io.BytesIO(function.zip_bytes or b"")) as archive:
                        archive.extractall(unpacked)
                except zipfile.BadZipFile as error:
                    raise InvalidZipFileError(f"{function.name}: {error}") from error
                try:
                    unpacked.rename(task)
                except OSError:
                    # Another invocation was faster.
                    if not task.exists():
                        raise
        return Code(
            python=self._environments.python([], say=lambda text: None),
            task=task,
            workdir=task,
            handler=function.handler or "",
            environment={},
        )
