"""Two things are masked, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.masking import masked_templates
from tests.review.made_up import assembly

ONE, OTHER = "a1" * 32, "b2" * 32
TAIL, OTHER_TAIL = "c3" * 16, "d4" * 16


def function(
    *, image: str = ONE, memory: int = 512, tail: str = TAIL, secret: str = "00" * 32
) -> dict[str, Any]:
    version = f"PlanCurrentVersion1234ABCD{tail}"
    return {
        "Plan": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Code": f"repo:{image}", "MemorySize": memory, "Secret": secret},
        },
        version: {"Type": "AWS::Lambda::Version", "Properties": {}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionVersion": {"Fn::GetAtt": [version, "Version"]}},
        },
    }


@pytest.fixture
def masked(tmp_path: Path):
    def masked(number: int, resources: dict[str, Any], images: dict[str, str]) -> str:
        made = assembly(tmp_path / str(number), {"Functions": resources}, images=images)
        return masked_templates(made)["Functions"]

    return masked


def test_another_image_hash_is_the_same_template(masked) -> None:
    first = masked(1, function(image=ONE), {ONE: "plan/Dockerfile"})
    assert first == masked(2, function(image=OTHER), {OTHER: "plan/Dockerfile"})
    assert "repo:<asset plan/Dockerfile>" in first


def test_another_version_is_the_same_template(masked) -> None:
    first = masked(1, function(tail=TAIL), {})
    assert first == masked(2, function(tail=OTHER_TAIL), {})
    assert first.count("PlanCurrentVersion1234ABCD<tail>") == 2


def test_image_of_another_function_is_another_template(masked) -> None:
    images = {ONE: "plan/Dockerfile", OTHER: "reduce/Dockerfile"}
    assert masked(1, function(image=ONE), images) != masked(2, function(image=OTHER), images)


def test_any_other_difference_is_one(masked) -> None:
    images = {ONE: "plan/Dockerfile"}
    first = masked(1, function(), images)
    assert first != masked(2, function(memory=1024), images)


def test_hash_that_is_no_asset_is_not_masked(masked) -> None:
    images = {ONE: "plan/Dockerfile"}
    first = masked(1, function(secret="00" * 32), images)
    assert first != masked(2, function(secret="11" * 32), images)


def test_tail_of_another_type_is_not_masked(masked) -> None:
    def bucket(tail: str) -> dict[str, Any]:
        return {f"Bucket{tail}": {"Type": "AWS::S3::Bucket", "Properties": {}}}

    assert masked(1, bucket(TAIL), {}) != masked(2, bucket(OTHER_TAIL), {})
