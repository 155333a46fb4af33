"""An image with an ENTRYPOINT of its own: kept for containers, checked for functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.images.dockerfile import DockerfileError
from localcloud.images.materialise import build_image
from localcloud.images.store import Image, ImageStore
from localcloud.images.virtual_environment import VirtualEnvironments
from tests.localcloud.functions.invoking import CACHE

BASE = """\
FROM public.ecr.aws/lambda/python:3.13
COPY handler.py entry.sh ${LAMBDA_TASK_ROOT}/
"""
CMD = 'CMD ["handler.handler"]\n'
ENTRY = 'ENTRYPOINT ["/bin/sh", "/var/task/entry.sh"]\n'
HANDING_OVER = '#!/bin/sh\n[ -n "$X" ] && exec true\nexec /lambda-entrypoint.sh "$@"\n'

Build = Callable[..., Image]


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "state")


@pytest.fixture
def build(tmp_path: Path, store: ImageStore) -> Build:
    folder = tmp_path / "context"
    folder.mkdir()

    def build(dockerfile: str, script: str = HANDING_OVER) -> Image:
        (folder / "handler.py").write_text("def handler(event, context): ...\n")
        (folder / "entry.sh").write_text(script)
        (folder / "Dockerfile").write_text(dockerfile)
        return build_image(
            store,
            VirtualEnvironments(CACHE),
            context=folder,
            dockerfile="Dockerfile",
            build_args={},
            platform=None,
            tag="image",
            say=lambda line: None,
        )

    return build


def test_image_says_how_a_container_of_it_starts(build: Build, store: ImageStore) -> None:
    image = build(BASE + ENTRY + CMD)
    assert image.entrypoint == ["/bin/sh", "/var/task/entry.sh"]
    assert (Path(image.task) / "entry.sh").read_text() == HANDING_OVER
    assert store.tagged("image") == image


def test_image_without_an_entry_starts_as_its_base_does(build: Build) -> None:
    assert build(BASE + CMD).entrypoint == []


def test_entry_is_part_of_what_an_image_is(build: Build) -> None:
    assert build(BASE + ENTRY + CMD).image_id != build(BASE + CMD).image_id


@pytest.mark.parametrize(
    ("entry", "script", "words"),
    [
        (ENTRY.replace("entry.sh", "absent.sh"), HANDING_OVER, "was not copied into the image"),
        (ENTRY, "#!/bin/sh\nexec python3 -m batch\n", "ends with 'exec python3 -m batch'"),
        (ENTRY, '#!/bin/sh\n# exec /lambda-entrypoint.sh "$@"\n', "allowed: exec /lambda-"),
    ],
)
def test_entry_that_starts_no_function_is_refused(
    build: Build, entry: str, script: str, words: str
) -> None:
    with pytest.raises(DockerfileError, match=r"^Dockerfile:3: ") as refused:
        build(BASE + entry + CMD, script)
    assert words in str(refused.value)
