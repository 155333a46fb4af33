"""A synthesis of a variant, with the context that the CDK CLI would hand over.

It decides nothing about the templates: they come from app.py, as for a deployment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from review.assembly import Assembly

_ROOT = Path(__file__).parents[1]


def synthesize(stage: str, overrides: Mapping[str, object], outdir: Path) -> Assembly:
    """Write the cloud assembly of `stage` to `outdir`, which is empty or not there.

    Raises SettingsError where the overrides are impossible.
    """
    # jsii starts a Node process with this import: only for those who synthesize.
    import app

    context = json.loads((_ROOT / "cdk.json").read_text())["context"]
    from_cli = {**context, "aws:cdk:enable-path-metadata": True}
    app.synthesize({**from_cli, "stage": stage, **overrides}, outdir=str(outdir))
    return Assembly(stage, outdir)
