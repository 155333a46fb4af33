"""Turns a build context and its Dockerfile into an image: a folder of files and a Python.

Files go under the image's /var/task and nowhere else, because a process has no file system of its
own. Nothing of the context is run; a link is refused, because what it points at might not be in
the image.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import posixpath
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from localcloud.images.dockerfile import (
    BASE_ENTRY,
    TASK_ROOT,
    Copy,
    Dockerfile,
    DockerfileError,
    InstallRequirements,
    read_dockerfile,
)
from localcloud.images.store import Image, ImageStore
from localcloud.images.virtual_environment import VirtualEnvironments, pinned_requirements


def build_image(
    store: ImageStore,
    environments: VirtualEnvironments,
    *,
    context: Path,
    dockerfile: str,
    build_args: Mapping[str, str],
    platform: str | None,
    tag: str,
    say: Callable[[str], None],
    container: str | None = None,
) -> Image:
    """Build the image of a context folder and record it under `tag`.

    `container` is what a container engine built of the same, if anything.

    Raises DockerfileError, RequirementsError, or FileNotFoundError for a missing Dockerfile.
    """
    text = (context / dockerfile).read_text()
    recipe = read_dockerfile(text, name=dockerfile, build_args=build_args)
    host = f"{sys.version_info.major}.{sys.version_info.minor}"
    if recipe.python_version != host:
        say(f"Python {host} of this machine stands in for {recipe.python_version} of the image")
    store.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.folder, prefix="building-") as folder:
        building = Path(folder) / "image"
        task = building / "task"
        _task_path(task, recipe.workdir).mkdir(parents=True)
        requirements = _run_steps(recipe, context, task)
        entrypoint = _entrypoint(recipe, task)
        image_id = _identity(recipe, task, requirements, platform, container)
        image = store.built(image_id)
        if image is None:
            python = environments.python(requirements, say)
            # Function folders are shared by all environments of an image: none may find the first
            # one's bytecode half written.
            compileall.compile_dir(task, quiet=2)
            home = store.folder / image_id
            image = Image(
                image_id=image_id,
                task=str(home / "task"),
                workdir=str(_task_path(home / "task", recipe.workdir)),
                python=str(python),
                handler=recipe.handler,
                environment=dict(recipe.environment),
                platform=platform,
                entrypoint=entrypoint,
                container=container,
            )
            store.add(image, building)
    store.tag_image(image, tag)
    say(f"built {tag} from {dockerfile}: image {image.image_id[:12]}")
    return image


def _task_path(task: Path, absolute: str) -> Path:
    return task / posixpath.relpath(absolute, TASK_ROOT)


def _run_steps(recipe: Dockerfile, context: Path, task: Path) -> list[str]:
    requirements: list[str] = []
    for step in recipe.steps:
        if isinstance(step, Copy):
            _copy(recipe.name, step, context, task)
        else:
            requirements += _requirements(recipe.name, step, task)
    return requirements


def _in_task(name: str, line: int, workdir: str, path: str, task: Path) -> Path:
    absolute = posixpath.normpath(posixpath.join(workdir, path))
    if absolute != TASK_ROOT and not absolute.startswith(TASK_ROOT + "/"):
        raise DockerfileError(name, line, f"{path!r} lies outside {TASK_ROOT}")
    return _task_path(task, absolute)


def _copy(name: str, step: Copy, context: Path, task: Path) -> None:
    target = _in_task(name, step.line, step.workdir, step.target, task)
    for written in step.sources:
        source = context / written.lstrip("/")
        if not source.exists():
            raise DockerfileError(name, step.line, f"COPY source {written!r} is not in the context")
        entries = [source, *source.rglob("*")] if source.is_dir() else [source]
        if links := [str(entry.relative_to(context)) for entry in entries if entry.is_symlink()]:
            raise DockerfileError(name, step.line, f"links are not supported: {', '.join(links)}")
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
            continue
        into_folder = step.target.endswith("/") or step.target in {".", ".."} or target.is_dir()
        file = target / source.name if into_folder else target
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, file)


def _requirements(name: str, step: InstallRequirements, task: Path) -> list[str]:
    file = _in_task(name, step.line, step.workdir, step.file, task)
    if not file.is_file():
        raise DockerfileError(name, step.line, f"{step.file!r} was not copied into the image")
    return pinned_requirements(file.read_text(), name=step.file)


def _entrypoint(recipe: Dockerfile, task: Path) -> list[str]:
    """How a container starts, empty for the base image's own way.

    Here functions never run the script, so one that does not go on as the base image would is
    refused: on AWS it would start no function.
    """
    if recipe.entry is None:
        return []
    name, line, script = recipe.name, recipe.entry.line, recipe.entry.script
    file = _task_path(task, script)
    if not file.is_file():
        raise DockerfileError(name, line, f"{script!r} was not copied into the image")
    last = file.read_text().rstrip().rpartition("\n")[2]
    if last != BASE_ENTRY:
        raise DockerfileError(name, line, f"{script} ends with {last!r}; allowed: {BASE_ENTRY}")
    return ["/bin/sh", script]


def _identity(
    recipe: Dockerfile,
    task: Path,
    requirements: list[str],
    platform: str | None,
    container: str | None,
) -> str:
    """SHA-256 over all that the image holds and says, in hex."""
    said = {
        "base": recipe.base_image,
        "environment": dict(recipe.environment),
        "workdir": recipe.workdir,
        "handler": recipe.handler,
        "entry": recipe.entry.script if recipe.entry else None,
        "requirements": requirements,
        "platform": platform,
        "container": container,
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for file in sorted(path for path in task.rglob("*") if path.is_file()):
        digest.update(f"\0{file.relative_to(task).as_posix()}\0{file.stat().st_mode:o}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
