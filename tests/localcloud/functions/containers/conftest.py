"""Functions whose images a real engine builds, on the scratch cloud of the folder above."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.context import CloudContext
from localcloud.images.docker import main
from localcloud.images.engine import cloud_label, remove_all_of
from tests.images.needing import needed_engine
from tests.localcloud.functions.invoking import CACHE, CODE, delete_if_there, role_of

INSIDE = """

def do_print_and_exit(event, context):
    print(event["line"], flush=True)
    os._exit(1)


def do_look_around(event, context):
    import platform
    mounted = [line.split() for line in open("/proc/mounts")]
    (options,) = [mount[3].split(",") for mount in mounted if mount[1] == "/"]
    with open("/tmp/new", "w") as file:
        file.write("x")
    return {"user": [os.getuid(), os.getgid()], "read_only": "ro" in options,
            "python": platform.python_version_tuple()[:2], "process": os.getpid(),
            "capabilities": [l.split()[1] for l in open("/proc/self/status") if "CapBnd" in l],
            "tmp": os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize}
"""
DOCKERFILE = """\
FROM public.ecr.aws/lambda/python:3.13
ENV FROM_IMAGE=yes
COPY handler.py ${LAMBDA_TASK_ROOT}/
RUN chmod -R a+rX .
CMD ["handler.handler"]
"""

Contain = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def engine() -> str:
    return needed_engine()


@pytest.fixture
def cloud(context: CloudContext) -> Iterator[str]:
    """What labels the containers and images of the test's cloud."""
    label = cloud_label(context.state_dir)
    yield label
    remove_all_of(label)


@pytest.fixture
def contain(
    aws: CloudContext,
    context: CloudContext,
    cloud: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Contain]:
    """Deploys a container function, whose image a real engine builds."""
    for name, value in context.environ.items():
        monkeypatch.setenv(name, value)
    ecr = aws.client("ecr")
    repository = f"contained-{uuid.uuid4().hex[:8]}"
    uri = ecr.create_repository(repositoryName=repository)["repository"]["repositoryUri"] + ":one"
    names: list[str] = []

    def run(*arguments: str) -> None:
        folders = ["--state-dir", str(context.state_dir), "--cache-dir", str(CACHE)]
        assert main([*folders, "--containers", *arguments]) == 0

    def create(code: str = CODE + INSIDE, **settings: Any) -> str:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        (folder / "handler.py").write_text(code)
        (folder / "Dockerfile").write_text(DOCKERFILE)
        run("build", "--tag", "cdkasset-1", "--platform", "linux/amd64", str(folder))
        run("tag", "cdkasset-1", uri)
        run("push", uri)
        names.append(f"contained-{uuid.uuid4().hex[:8]}")
        aws.client("lambda").create_function(
            FunctionName=names[-1],
            Role=role_of(aws),
            PackageType="Image",
            Code={"ImageUri": uri},
            **{"Timeout": 20, "MemorySize": 256, **settings},
        )
        return names[-1]

    yield create
    for name in names:
        delete_if_there(aws, name)
    ecr.delete_repository(repositoryName=repository, force=True)
