"""Both stages, synthesized once: the first synthesis of a process takes seconds, the next one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import app
from tests.stacks.synthesized import Synthesize, Synthesized

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize with the context that the CDK CLI would hand over, and with overrides."""
    from_cli = {
        **json.loads((ROOT / "cdk.json").read_text())["context"],
        "aws:cdk:enable-path-metadata": True,
    }

    def synthesize(stage: str, **overrides: object) -> Synthesized:
        folder = tmp_path_factory.mktemp(f"cdk.out.{stage}")
        app.synthesize({**from_cli, "stage": stage, **overrides}, outdir=str(folder))
        return Synthesized(stage, folder)

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
