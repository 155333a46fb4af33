"""Stages with what a test overrides of them: each combination is synthesized once a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from review.variants import MATRIX
from tests.stacks.synthesized import Synthesize, Synthesized


@pytest.fixture(scope="session")
def synthesize(synthesize_into: Callable[..., Path]) -> Synthesize:
    """Synthesize with the context that the CDK CLI would hand over, and with overrides.

    The same arguments give the same assembly: a test that wants a second one of its own takes
    `synthesize_into`.
    """

    @cache
    def synthesize(stage: str, **overrides: object) -> Synthesized:
        return Synthesized(stage, synthesize_into(stage, **overrides))

    return synthesize


# A variant's name -> its one synthesis of this session.
Variants = Callable[[str], Synthesized]


@pytest.fixture(scope="session")
def variants(synthesize: Synthesize) -> Variants:
    def variant(name: str) -> Synthesized:
        return synthesize(MATRIX[name].stage, **MATRIX[name].overrides)

    return variant


@pytest.fixture(scope="session")
def dev(variants: Variants) -> Synthesized:
    return variants("dev")


@pytest.fixture(scope="session")
def prod(variants: Variants) -> Synthesized:
    return variants("prod")


@pytest.fixture(params=["dev", "prod"])
def either(request: pytest.FixtureRequest, variants: Variants) -> Synthesized:
    """A test that takes this runs for both stages."""
    return variants(request.param)


@pytest.fixture(params=list(MATRIX))
def every(request: pytest.FixtureRequest, variants: Variants) -> Synthesized:
    """A test that takes this runs for both stages and for every variant of them."""
    return variants(request.param)
