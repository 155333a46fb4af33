"""What each Dockerfile puts into its image is enough for its handler, and no more than needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LAMBDA_SRC = ROOT / "lambda_src"
FUNCTIONS = ("plan", "classify", "reduce", "predict", "jobs")

# Imported from a folder that holds the image's files and nothing else of this repository.
PROBE = """
import json, sys
sys.path = [path for path in sys.path if "lambda_src" not in path]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path.insert(0, sys.argv[1])
import handler
assert callable(handler.handler)
print(json.dumps({name.partition(".")[0]: True for name in sys.modules}))
"""


def instructions(function: str) -> list[tuple[str, str]]:
    dockerfile = DockerfileParser(fileobj=(LAMBDA_SRC / function / "Dockerfile").open("rb"))
    return [(line["instruction"], line["value"]) for line in dockerfile.structure]


def stage(function: str, task_root: Path) -> None:
    """Does what the COPY instructions say."""
    for instruction, value in instructions(function):
        if instruction == "COPY":
            source, target = value.split()
            source_path = LAMBDA_SRC / source
            target_path = Path(target.replace("${LAMBDA_TASK_ROOT}", str(task_root)))
            if source_path.is_dir():
                shutil.copytree(source_path, target_path, dirs_exist_ok=True)
            elif target.endswith("/"):
                target_path.mkdir(parents=True, exist_ok=True)
                shutil.copy(source_path, target_path)
            else:
                shutil.copyfile(source_path, target_path)


def pins(function: str) -> dict[str, str]:
    lines = (LAMBDA_SRC / function / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9_.-]+==[0-9.]+(?:post\d+)?", line) for line in packages)
    return dict(line.split("==") for line in packages)


@pytest.mark.parametrize(
    ("function", "absent"),
    [
        ("plan", {"tensorflow", "PIL", "boto3", "ai_edge_litert"}),
        ("classify", {"tensorflow", "PIL", "boto3", "keras"}),
        ("predict", {"tensorflow", "PIL", "boto3", "keras", "obstore", "safetensors"}),
        ("reduce", {"tensorflow", "PIL", "boto3", "ai_edge_litert"}),
        ("jobs", {"tensorflow", "PIL", "numpy", "ai_edge_litert", "obstore"}),
    ],
)
def test_image_holds_what_its_handler_imports_and_loads_no_more(
    tmp_path: Path, function: str, absent: set[str]
) -> None:
    stage(function, tmp_path)
    assert not (tmp_path / "shpc_training").exists()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "INPUT_BUCKET": "inputs",
        "RESULTS_BUCKET": "results",
        "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:classify",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "shpc",
        "POWERTOOLS_METRICS_DISABLED": "false",
        "STAGE": "test",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert absent.isdisjoint(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_dockerfile_keeps_to_the_plain_instructions(function: str) -> None:
    found = instructions(function)
    entry = {"ENTRYPOINT"} if function == "classify" else set()
    plain = {"FROM", "COPY", "COMMENT", "RUN", "USER", "CMD"}
    assert {instruction for instruction, _ in found} == plain | entry
    assert found[0] == ("FROM", "public.ecr.aws/lambda/python:3.13")
    assert ("RUN", "pip install --no-cache-dir -r requirements.txt") in found
    assert ("USER", "993:990") in found
    assert found[-1] == ("CMD", '["handler.handler"]')


@pytest.mark.parametrize("function", FUNCTIONS)
def test_requirements_are_pinned_to_what_is_tested(function: str) -> None:
    tested = dict(
        line.split("==")
        for name in ("requirements.txt", "constraints.txt")
        for line in (ROOT / name).read_text().splitlines()
        if re.match(r"[\w.-]+==", line)
    )
    for package, version in pins(function).items():
        assert tested.get(package) == version, package


@pytest.mark.parametrize("function", FUNCTIONS)
def test_requirements_leave_nothing_to_the_day_of_the_build(function: str) -> None:
    """Whatever a pinned package brings along is pinned as well."""
    pinned = {_normal(name) for name in pins(function)}
    for package in pinned:
        for line in requires(package) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(
                {"python_version": "3.13", "python_full_version": "3.13.0", "extra": ""}
            ):
                assert _normal(requirement.name) in pinned, f"{package} needs {line}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
