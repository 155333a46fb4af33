"""What enters an image, and so what makes CDK build and publish it again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest

from settings.stage import Architecture, FunctionSettings
from stacks.components.image_function import ImageFunction
from stacks.components.log_keeping import LogKeeping
from workloads.catalogue import FUNCTIONS

SOURCES = Path(__file__).parents[2] / "lambda_src"
ALL = {function.name for function in FUNCTIONS}

Hashes = dict[str, str]


def image_hashes(sources: Path, outdir: Path) -> Hashes:
    """Function -> hash of its image, as built from `sources`."""
    # CDK remembers the hash of a folder for as long as the process lives.
    cdk.AssetStaging.clear_asset_hash_cache()
    app = cdk.App(outdir=str(outdir))
    stack = cdk.Stack(app, "Images")
    for declared in FUNCTIONS:
        ImageFunction(
            stack,
            declared.name.title(),
            declared=declared,
            settings=FunctionSettings(memory_mb=512, timeout_s=60),
            architecture=Architecture.X86_64,
            environment=dict.fromkeys(declared.handler_environment, ""),
            logs=LogKeeping(days=7, retain=False),
            tracing=False,
            sources=sources,
        )
    app.synth()
    images = json.loads((outdir / "Images.assets.json").read_text())["dockerImages"]
    return {image["source"]["dockerFile"].partition("/")[0]: key for key, image in images.items()}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of lambda_src to change."""
    copy = tmp_path / "lambda_src"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def changed_by(sources: Path, tmp_path: Path) -> Callable[[Callable[[], object]], set[str]]:
    """The functions whose image hash differs after an edit of `sources`."""

    def changed(edit: Callable[[], object]) -> set[str]:
        before = image_hashes(sources, tmp_path / "before")
        edit()
        after = image_hashes(sources, tmp_path / "after")
        assert set(before) == set(after) == ALL
        return {name for name in ALL if before[name] != after[name]}

    return changed


ChangedBy = Callable[[Callable[[], object]], set[str]]


def append(path: Path) -> Callable[[], object]:
    def edit() -> object:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            return file.write(b"\n# another line\n")

    return edit


def test_no_two_images_are_the_same(sources: Path, tmp_path: Path) -> None:
    assert len(set(image_hashes(sources, tmp_path / "out").values())) == len(ALL)


@pytest.mark.parametrize(
    "path",
    [
        "shpc_training/train.py",
        "shpc_training/new_module.py",
        "shpc_core/__pycache__/shards.cpython-313.pyc",
        "classify/__pycache__/handler.cpython-313.pyc",
        "model/notes.md",
        "notes.txt",
        ".pytest_cache/README.md",
    ],
)
def test_file_that_no_image_needs_changes_no_image(
    sources: Path, changed_by: ChangedBy, path: str
) -> None:
    assert changed_by(append(sources / path)) == set()


def test_touching_files_changes_no_image(sources: Path, changed_by: ChangedBy) -> None:
    def touch() -> None:
        for path in sources.rglob("*"):
            os.utime(path, (1, 1))

    assert changed_by(touch) == set()


@pytest.mark.parametrize("path", ["shpc_core/shards.py", "shpc_core/steps/plan.py"])
def test_change_of_the_core_changes_every_image(
    sources: Path, changed_by: ChangedBy, path: str
) -> None:
    assert changed_by(append(sources / path)) == ALL


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("classify/handler.py", {"classify"}),
        ("plan/requirements.txt", {"plan"}),
        ("jobs/Dockerfile", {"jobs"}),
        ("reduce/new_module.py", {"reduce"}),
        ("model/model.tflite", {"classify", "predict"}),
        ("shpc_http/events.py", {"predict", "jobs"}),
    ],
)
def test_change_of_its_own_files_changes_that_image_alone(
    sources: Path, changed_by: ChangedBy, path: str, expected: set[str]
) -> None:
    assert changed_by(append(sources / path)) == expected


def test_context_of_an_image_holds_its_own_sources_only(sources: Path, tmp_path: Path) -> None:
    append(sources / "shpc_core/__pycache__/shards.cpython-313.pyc")()
    out = tmp_path / "out"
    for name, key in image_hashes(sources, out).items():
        context = out / f"asset.{key}"
        files = {path.relative_to(context) for path in context.rglob("*") if path.is_file()}
        folders = {file.parts[0] for file in files}
        shared = {"shpc_core", "shpc_lambda"}
        shared |= {"shpc_http"} if name in {"predict", "jobs"} else set()
        shared |= {"shpc_jobs"} if name == "jobs" else set()
        model = {"model"} if name in {"classify", "predict"} else set()
        assert folders == {name} | shared | model
        assert not [file for file in files if "__pycache__" in file.parts]


def test_function_refuses_an_environment_it_did_not_declare(sources: Path) -> None:
    stack = cdk.Stack(cdk.App(), "Images")
    declared = FUNCTIONS[0]
    with pytest.raises(ValueError, match="plan: environment"):
        ImageFunction(
            stack,
            "Plan",
            declared=declared,
            settings=FunctionSettings(memory_mb=512, timeout_s=60),
            architecture=Architecture.X86_64,
            environment={},
            logs=LogKeeping(days=7, retain=False),
            tracing=False,
            sources=sources,
        )
