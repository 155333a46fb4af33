"""cdk.json writes out every feature flag that the pinned aws-cdk-lib recommends.

A flag that is left out takes the default of whatever version is installed next.
"""

from __future__ import annotations

import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk

ROOT = Path(__file__).parents[2]

# Where we differ from the recommendation, and why.
DECIDED = {
    # Exports stop a stack from being destroyed under its consumers.
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    # Nothing about our constructs is reported to anybody.
    "@aws-cdk/core:enableAdditionalMetadataCollection": False,
}


def cdk_json() -> dict[str, Any]:
    return json.loads((ROOT / "cdk.json").read_text())


@cache
def recommended() -> dict[str, Any]:
    """The recommendation that ships inside the installed aws-cdk-lib."""
    (archive,) = Path(aws_cdk.__path__[0], "_jsii").glob("aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(archive) as package:
        member = package.extractfile("package/recommended-feature-flags.json")
        assert member is not None
        return json.load(member)


def test_every_recommended_flag_is_written_out() -> None:
    written = {key: value for key, value in cdk_json()["context"].items() if key.startswith("@")}
    assert written == {**recommended(), **DECIDED}


def test_every_difference_from_the_recommendation_is_one() -> None:
    assert {flag for flag, value in DECIDED.items() if recommended()[flag] == value} == set()


def test_default_stage_is_dev() -> None:
    assert cdk_json()["context"]["stage"] == "dev"


def test_usage_is_not_reported() -> None:
    assert cdk_json()["versionReporting"] is False


def test_no_reserved_key_is_in_the_context() -> None:
    """The CDK CLI warns about these on every command."""
    assert [key for key in cdk_json()["context"] if key.startswith("aws:")] == []
