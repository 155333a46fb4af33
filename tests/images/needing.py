"""An engine with the base image, or the reason why a test that needs them is skipped.

With `IMAGES=required`, as `make test-images` sets it, the reason is a failure.
"""

from __future__ import annotations

import os

import pytest

from localcloud.images.engine import EngineError, docker, require_engine

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"


def needed_engine() -> str:
    """The version of the engine, which has the base image or has just pulled it."""
    try:
        version = require_engine()
        if not docker("images", "--quiet", BASE_IMAGE):
            docker("pull", BASE_IMAGE, within_s=300)
    except EngineError as error:
        reason = f"images cannot be built here: {error}"
        if os.environ.get("IMAGES") == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(f"{reason}; `make test-images` builds and runs the images")
    return version
