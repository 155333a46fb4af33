"""Both stages, synthesized once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stacks.synthesized import Synthesize, Synthesized


@pytest.fixture(scope="session")
def synthesize(synthesize_into: Callable[..., Path]) -> Synthesize:
    """Synthesize with the context that the CDK CLI would hand over, and with overrides."""

    def synthesize(stage: str, **overrides: object) -> Synthesized:
        return Synthesized(stage, synthesize_into(stage, **overrides))

    return synthesize


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Synthesized:
    return synthesize("dev")


@pytest.fixture(scope="session")
def prod(synthesize: Synthesize) -> Synthesized:
    return synthesize("prod")


@pytest.fixture(params=["dev", "prod"])
def either(request: pytest.FixtureRequest, dev: Synthesized, prod: Synthesized) -> Synthesized:
    """A test that takes this runs for both stages."""
    return dev if request.param == "dev" else prod
