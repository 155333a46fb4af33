"""One cloud on a driven clock for each test: what it scales is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.scaling.deployed import Deployed, deployed_cloud


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with deployed_cloud() as one:
        yield one
