"""What images rely on outside of our own code."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_pinned_cdk_cli_builds_without_attestations() -> None:
    """With attestations an image is an OCI index, which Lambda refuses."""
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    installed = ROOT / "node_modules/aws-cdk"
    assert json.loads((installed / "package.json").read_text())["version"] == pinned
    builder = (installed / "lib/index.js").read_text()
    assert 'BUILDX_NO_DEFAULT_ATTESTATIONS: "1"' in builder


def test_no_dockerignore_decides_beside_the_catalogue() -> None:
    """Its patterns, and even its comments, would enter the hash of every image."""
    assert not list((ROOT / "lambda_src").rglob("*.dockerignore"))
