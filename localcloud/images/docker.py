"""Stands in for `docker` where CDK publishes image assets (CDK's own hook for it is CDK_DOCKER).

It takes the calls that CDK's asset publisher makes: login, inspect, build, tag, push and images.
Any other subcommand or flag ends in an error: a build that means something else on AWS must not
pass here. The host's Python version and processor are used instead of the image's; a build says
so when it sees a platform that is not the host's. With --containers the machine's container engine
builds the same image beside it.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.images.dockerfile import DockerfileError
from localcloud.images.engine import LABEL, EngineError, cloud_label, docker
from localcloud.images.materialise import build_image
from localcloud.images.store import ImageNotFoundError, ImageStore, PushError
from localcloud.images.virtual_environment import (
    RequirementsError,
    VirtualEnvironments,
    cache_folder,
)

if TYPE_CHECKING:
    from localcloud.context import CloudContext

# CDK takes exit code 1 of `inspect` for "not there", any other for a failure.
_NOT_FOUND = 1
_FAILED = 2

_MACHINES = {"linux/amd64": {"x86_64", "AMD64"}, "linux/arm64": {"aarch64", "arm64"}}


def docker_program(
    context: CloudContext, *, cache_dir: Path | None = None, containers: bool = False
) -> str:
    """Write the program for CDK_DOCKER into the cloud's folder and return its path.

    It always speaks to this cloud, whatever the AWS variables of its caller are.
    """
    program = context.state_dir / "docker"
    repository = Path(__file__).resolve().parents[2]
    variables = {**context.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-m", "localcloud.images.docker"]
    command += ["--state-dir", str(context.state_dir.resolve())]
    command += ["--cache-dir", str(cache_folder(cache_dir))]
    command += ["--containers"] if containers else []
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    # A profile of the caller's would win over the variables set here.
    unset = "unset AWS_PROFILE AWS_SESSION_TOKEN\n"
    program.write_text(f'#!/bin/sh\n{unset}{exports}exec {shlex.join(command)} "$@"\n')
    program.chmod(0o700)
    return str(program)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one docker command; returns its exit code."""
    given = _parser().parse_args(arguments)
    store = ImageStore(given.state_dir)
    try:
        if given.command == "login":
            sys.stdin.read()
        elif given.command == "inspect":
            print(store.tagged(given.tag).image_id)
        elif given.command == "images":
            _list_images(store, given.filter)
        elif given.command == "build":
            _build(store, given)
        elif given.command == "tag":
            store.tag(given.source, given.target)
        elif given.command == "push":
            _push(store, given.tag)
    except ImageNotFoundError as error:
        print(f"docker (embedded): {error}", file=sys.stderr)
        return _NOT_FOUND
    except (DockerfileError, RequirementsError, PushError, EngineError, FileNotFoundError) as error:
        print(f"docker (embedded): {error}", file=sys.stderr)
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker (embedded)", allow_abbrev=False)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--cache-dir", type=Path, required=True)
    parser.add_argument("--containers", action="store_true")
    parser.add_argument("--config", help="Docker's credentials folder; no credentials are needed")
    commands = parser.add_subparsers(dest="command", required=True)

    login = commands.add_parser("login", allow_abbrev=False)
    login.add_argument("--username", required=True)
    login.add_argument("--password-stdin", action="store_true", required=True)
    login.add_argument("registry")

    inspect = commands.add_parser("inspect", allow_abbrev=False)
    inspect.add_argument("tag")

    images = commands.add_parser("images", allow_abbrev=False)
    images.add_argument("--format", choices=["{{.Repository}}:{{.Tag}}"], required=True)
    images.add_argument("--filter", required=True)

    build = commands.add_parser("build", allow_abbrev=False)
    build.add_argument("--tag", required=True)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("--platform", choices=sorted(_MACHINES))
    build.add_argument("--build-arg", action="append", default=[])
    build.add_argument("context", type=Path)

    tag = commands.add_parser("tag", allow_abbrev=False)
    tag.add_argument("source")
    tag.add_argument("target")

    commands.add_parser("push", allow_abbrev=False).add_argument("tag")
    return parser


def _build(store: ImageStore, given: argparse.Namespace) -> None:
    build_args: dict[str, str] = {}
    for argument in given.build_arg:
        name, equals, value = argument.partition("=")
        if not (name and equals):
            raise DockerfileError(given.file, 1, f"--build-arg {argument!r}: expected NAME=VALUE")
        build_args[name] = value
    if given.platform and platform.machine() not in _MACHINES[given.platform]:
        print(f"docker (embedded): {given.platform} runs on this machine's {platform.machine()}")
    build_image(
        store,
        VirtualEnvironments(given.cache_dir),
        context=given.context.resolve(),
        dockerfile=given.file,
        build_args=build_args,
        platform=given.platform,
        tag=given.tag,
        container=_build_container(given) if given.containers else None,
        say=lambda text: print(f"docker (embedded): {text}", flush=True),
    )


def _build_container(given: argparse.Namespace) -> str:
    """Let the engine build it, as CDK would have it; the image's id."""
    cloud = cloud_label(given.state_dir)
    name = f"localcloud/{given.state_dir.name.lower()}:{given.tag.replace(':', '-')}"
    options = [word for argument in given.build_arg for word in ("--build-arg", argument)]
    if given.platform:
        options += ["--platform", given.platform]
    dockerfile = str(given.context / given.file)
    labelled = ("--label", f"{LABEL}={cloud}", "--tag", name)
    docker("build", *labelled, *options, "--file", dockerfile, str(given.context))
    return docker("image", "inspect", "--format", "{{.Id}}", name).strip()


def _push(store: ImageStore, tag: str) -> None:
    # boto3 takes longer to import than every other command to run, and CDK runs six for an image.
    from localcloud.images.registry import push

    print(f"pushed {tag}: {push(store, tag)}")


def _list_images(store: ImageStore, wanted: str) -> None:
    """`images --filter reference=*/*:TAG`: the names of pushed or tagged images with that tag."""
    kind, _, pattern = wanted.partition("=")
    if kind != "reference" or not pattern.startswith("*/*:"):
        raise ImageNotFoundError(f"--filter {wanted!r}: allowed: reference=*/*:TAG")
    for name in store.names():
        if "/" in name and name.endswith(pattern.removeprefix("*/*")):
            print(name)


if __name__ == "__main__":
    sys.exit(main())
