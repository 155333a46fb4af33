"""What an image adds to its base and how long its INIT takes, against what is promised.

INIT is measured several times, because other programs run here too: the least is what it costs,
and that is compared; the median is reported.
"""

from __future__ import annotations

import os

import pytest

from localcloud.images.engine import docker
from tests.images.conftest import Emulate
from tests.images.emulated import StagedImage
from tests.images.figures import init_figures, note
from tests.images.needing import BASE_IMAGE

FUNCTIONS = ("plan", "classify", "predict", "reduce", "jobs")
INITS = 5
# One that is slow every time is slow; one that is slow while others work may be not.
INITS_AT_MOST = 20
ADDS_AT_MOST_MB = 200
CLASSIFY_INIT_AT_MOST_MS = 400


def _size_mb(image: str) -> float:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def _added_mb(image: StagedImage) -> float:
    added = _size_mb(image.tag) - _size_mb(BASE_IMAGE)
    note(image.function, added_mb=added, memory_mb=image.memory_mb)
    return added


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_image_adds_more_than_promised(images: dict[str, StagedImage], function: str) -> None:
    assert 0 < _added_mb(images[function]) <= ADDS_AT_MOST_MB


def _init(emulate: Emulate, function: str) -> tuple[float, float]:
    """How long INIT took, and the processor time of it and of refusing an empty event."""
    with emulate(function) as container:
        container.invoke({})
        return container.init_ms, container.processor_ms


@pytest.mark.parametrize("function", FUNCTIONS)
def test_init_is_measured(emulate: Emulate, function: str) -> None:
    inits = [_init(emulate, function) for _ in range(INITS)]
    while function == "classify" and min(inits)[0] > CLASSIFY_INIT_AT_MOST_MS:
        inits.append(_init(emulate, function))
        if len(inits) == INITS_AT_MOST:
            break
    note(function, **init_figures([init_ms for init_ms, _ in inits]))
    note(function, init_cpu_ms=min(processor_ms for _, processor_ms in inits))
    if function == "classify" and min(inits)[0] > CLASSIFY_INIT_AT_MOST_MS:
        assert os.getloadavg()[0] > 2 * (os.cpu_count() or 1), inits
        pytest.skip(f"others keep this machine too busy to tell: {os.getloadavg()}, {inits}")


def test_every_image_of_the_stage_is_measured(images: dict[str, StagedImage]) -> None:
    assert set(images) == set(FUNCTIONS)
