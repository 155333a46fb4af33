"""The program behind CDK_DOCKER, driven by the calls that CDK's asset publisher makes."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.errors import InvalidRuntimeError, ResourceNotReadyError
from localcloud.images.docker import docker_program, main
from localcloud.images.store import ImageStore
from tests.localcloud.functions.invoking import (
    ACCOUNT,
    CACHE,
    CODE,
    REGION,
    answer,
    call,
    delete_if_there,
    role_of,
)

Docker = Callable[..., subprocess.CompletedProcess[str]]

DOCKERFILE = """\
FROM public.ecr.aws/lambda/python:3.13
ARG STAGE=unset
ENV STAGE=${STAGE} FROM_IMAGE=yes
COPY plan/requirements.txt ${LAMBDA_TASK_ROOT}/
RUN pip install --no-cache-dir -r requirements.txt
COPY core/ ${LAMBDA_TASK_ROOT}/core/
COPY plan/handler.py ${LAMBDA_TASK_ROOT}/handler.py
CMD ["handler.handler"]
"""
IMAGES = ["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter"]


@pytest.fixture
def build_context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "plan").mkdir(parents=True)
    (folder / "core").mkdir()
    (folder / "core" / "__init__.py").write_text("VALUE = 1\n")
    (folder / "plan" / "handler.py").write_text(CODE)
    (folder / "plan" / "requirements.txt").write_text("# none beside the base image's\n")
    (folder / "plan" / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture
def docker(
    context: CloudContext,
    build_context: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Docker:
    """The program's commands in this process, which saves its start."""
    monkeypatch.chdir(build_context)
    for name, value in context.environ.items():
        monkeypatch.setenv(name, value)
    folders = ["--state-dir", str(context.state_dir), "--cache-dir", str(CACHE)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            code = main([*folders, *arguments])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run


@pytest.fixture
def docker_process(context: CloudContext, build_context: Path) -> Docker:
    program = docker_program(context, cache_dir=CACHE)

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            cwd=build_context,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "AWS_PROFILE": "absent"},
        )

    return run


def build(docker: Docker, tag: str = "cdkasset-1", *more: str) -> None:
    arguments = ["--tag", tag, "--file", "plan/Dockerfile", "--platform", "linux/amd64", *more]
    done = docker("build", *arguments, ".")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def repository(aws: CloudContext) -> Iterator[str]:
    ecr = aws.client("ecr")
    name = f"assets-{uuid.uuid4().hex[:8]}"
    uri = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    yield uri
    ecr.delete_repository(repositoryName=name, force=True)


@pytest.fixture
def container_function(aws: CloudContext) -> Iterator[Callable[[str], str]]:
    names: list[str] = []

    def create(image_uri: str) -> str:
        name = f"container-{uuid.uuid4().hex[:8]}"
        aws.client("lambda").create_function(
            FunctionName=name,
            Role=role_of(aws),
            PackageType="Image",
            Code={"ImageUri": image_uri},
            Timeout=20,
            MemorySize=256,
            Environment={"Variables": {"OWN": "value"}},
        )
        names.append(name)
        return name

    yield create
    for name in names:
        delete_if_there(aws, name)


def test_the_calls_of_cdk_bring_a_function_to_run(
    docker_process: Docker,
    repository: str,
    container_function: Callable[[str], str],
    service: FunctionService,
    aws: CloudContext,
) -> None:
    docker = docker_process
    uri = f"{repository}:abc123"
    login = ["login", "--username", "AWS", "--password-stdin", repository.split("/")[0]]
    assert docker(*login, stdin="token").returncode == 0
    assert docker("inspect", "cdkasset-1").returncode == 1
    build(docker, "cdkasset-1", "--build-arg", "STAGE=dev")
    assert docker("inspect", "cdkasset-1").returncode == 0
    assert docker("tag", "cdkasset-1", uri).returncode == 0
    pushed = docker("push", uri)
    assert pushed.returncode == 0, pushed.stderr
    name = repository.partition("/")[2]
    found = aws.client("ecr").describe_images(
        repositoryName=name, imageIds=[{"imageTag": "abc123"}]
    )
    assert found["imageDetails"][0]["imageDigest"] in pushed.stdout

    seen = answer(call(service, container_function(uri), "describe"))
    variables = seen["variables"]
    assert (variables["STAGE"], variables["FROM_IMAGE"], variables["OWN"]) == (
        "dev",
        "yes",
        "value",
    )
    assert variables["_HANDLER"] == "handler.handler"
    assert (Path(seen["workdir"]) / "core" / "__init__.py").read_text() == "VALUE = 1\n"


@pytest.mark.parametrize("stub_ecr", ["TRUE", "FALSE"])
def test_version_keeps_its_image_when_the_function_gets_another(
    docker: Docker,
    build_context: Path,
    repository: str,
    container_function: Callable[[str], str],
    service: FunctionService,
    aws: CloudContext,
    monkeypatch: pytest.MonkeyPatch,
    stub_ecr: str,
) -> None:
    monkeypatch.setenv("MOTO_LAMBDA_STUB_ECR", stub_ecr)
    client = aws.client("lambda")
    handler = build_context / "plan" / "handler.py"
    for number, code in enumerate([CODE, CODE.replace('"first"', '"second"')]):
        handler.write_text(code)
        build(docker, f"cdkasset-{number}")
        docker("tag", f"cdkasset-{number}", f"{repository}:{number}")
        assert docker("push", f"{repository}:{number}").returncode == 0
    function = container_function(f"{repository}:0")
    version = client.publish_version(FunctionName=function)["Version"]
    client.update_function_code(FunctionName=function, ImageUri=f"{repository}:1")
    describe = b'{"do": "describe"}'
    assert answer(service.invoke(function, version, describe))["code"] == "first"
    assert answer(service.invoke(function, None, describe))["code"] == "second"


def test_pushing_again_is_harmless(docker: Docker, repository: str) -> None:
    build(docker)
    docker("tag", "cdkasset-1", f"{repository}:one")
    first = docker("push", f"{repository}:one")
    second = docker("push", f"{repository}:one")
    assert (second.returncode, second.stdout) == (0, first.stdout)


def test_equal_contexts_are_one_image_and_others_another(
    docker: Docker, context: CloudContext, build_context: Path
) -> None:
    build(docker, "one")
    build(docker, "same")
    build(docker, "argument", "--build-arg", "STAGE=dev")
    (build_context / "core" / "__init__.py").write_text("VALUE = 2\n")
    build(docker, "changed")
    store = ImageStore(context.state_dir)
    one, same, argument, changed = (
        store.tagged(tag).image_id for tag in ("one", "same", "argument", "changed")
    )
    assert one == same
    assert len({one, argument, changed}) == 3


def test_file_outside_the_copied_ones_does_not_change_the_image(
    docker: Docker, context: CloudContext, build_context: Path
) -> None:
    build(docker, "before")
    (build_context / "training.py").write_text("not of this image")
    build(docker, "after")
    store = ImageStore(context.state_dir)
    assert store.tagged("before").image_id == store.tagged("after").image_id


def test_parallel_builds_keep_all_tags(docker_process: Docker, context: CloudContext) -> None:
    tags = [f"cdkasset-{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as executor:
        list(executor.map(lambda tag: build(docker_process, tag), tags))
    assert ImageStore(context.state_dir).names() == tags


def test_images_are_listed_by_tag(docker: Docker) -> None:
    build(docker)
    docker("tag", "cdkasset-1", "registry/assets:abc")
    assert docker(*IMAGES, "reference=*/*:abc").stdout == "registry/assets:abc\n"
    assert docker(*IMAGES, "reference=*/*:bc").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "image"], "invalid choice: 'run'"),
        (["build", "--tag", "t", "--target", "x", "."], "unrecognized arguments: --target"),
        (["build", "--tag", "t", "--secret", "id=x", "."], "unrecognized arguments: --secret"),
        (["build", "--tag", "t", "--platform", "windows/amd64", "."], "invalid choice"),
        (["build", "--tag", "t", "--build-arg", "STAGE", "."], "expected NAME=VALUE"),
        (["build", "--tag", "t", "."], "No such file or directory"),
        (["tag", "absent", "other"], "no image is tagged 'absent'"),
        (["push", "absent"], "no image is tagged 'absent'"),
    ],
)
def test_anything_else_fails_loudly(docker: Docker, arguments: list[str], words: str) -> None:
    done = docker(*arguments)
    assert done.returncode != 0
    assert words in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("plan/requirements.txt", "numpy>=2", "is not an exact pin"),
        ("plan/requirements.txt", "absent==1.0", "pip could not install"),
        ("plan/Dockerfile", DOCKERFILE.replace("core/ ", "absent/ "), "is not in the context"),
        (
            "plan/Dockerfile",
            DOCKERFILE.replace("ROOT}/core/", "ROOT}/../etc/"),
            "outside /var/task",
        ),
        ("plan/Dockerfile", DOCKERFILE.replace("-r req", "-r other/req"), "was not copied"),
    ],
)
def test_context_that_cannot_be_built_fails_with_its_reason(
    docker: Docker,
    build_context: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    text: str,
    words: str,
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (build_context / file).write_text(text)
    done = docker("build", "--tag", "t", "--file", "plan/Dockerfile", ".")
    assert done.returncode == 2
    assert words in done.stderr


def test_link_in_the_context_is_refused(docker: Docker, build_context: Path) -> None:
    (build_context / "core" / "link").symlink_to("/etc/hostname")
    done = docker("build", "--tag", "t", "--file", "plan/Dockerfile", ".")
    assert "links are not supported: core/link" in done.stderr


def test_function_whose_image_was_not_pushed_is_not_ready(
    service: FunctionService, container_function: Callable[[str], str]
) -> None:
    function = container_function(f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/absent:1")
    with pytest.raises(ResourceNotReadyError, match="was pushed to this cloud"):
        service.invoke(function, None, b"{}")


def test_image_config_overrides_handler_and_refuses_an_entry_point(
    docker: Docker, repository: str, service: FunctionService, aws: CloudContext
) -> None:
    build(docker)
    docker("tag", "cdkasset-1", f"{repository}:one")
    docker("push", f"{repository}:one")
    client = aws.client("lambda")
    configs = {"other": {"Command": ["handler.do_describe"]}, "refused": {"EntryPoint": ["sh"]}}
    for name, config in configs.items():
        delete_if_there(aws, name)
        client.create_function(
            FunctionName=name,
            Role=role_of(aws),
            PackageType="Image",
            Code={"ImageUri": f"{repository}:one"},
            ImageConfig=config,
        )
    result = service.invoke("other", None, json.dumps({}).encode())
    assert answer(result)["variables"]["_HANDLER"] == "handler.do_describe"
    with pytest.raises(InvalidRuntimeError, match="EntryPoint"):
        service.invoke("refused", None, b"{}")
    for name in configs:
        delete_if_there(aws, name)
