from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.batch import BatchLimits
from localcloud.cloud import Cloud
from tests.localcloud.batch.bench import Bench, Gate, push_images


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One for a module; wider than AWS's limits allow, and quicker to lose its patience."""
    limits = BatchLimits(width=4, least_timeout_s=1, stop_grace_s=0.2)
    with Cloud(batch_limits=limits) as cloud:
        push_images(cloud)
        yield cloud


@pytest.fixture(scope="module")
def bench(cloud: Cloud) -> Bench:
    bench = Bench(cloud)
    bench.make_network()
    return bench


@pytest.fixture
def queue(bench: Bench) -> str:
    """On an environment of its own, of four vCPUs."""
    return bench.queue()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)
