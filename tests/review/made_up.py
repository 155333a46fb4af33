"""Cloud assemblies written by hand, in the form in which CDK writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review.assembly import Assembly

Resources = Mapping[str, Mapping[str, Any]]


def assembly(
    folder: Path,
    stacks: Mapping[str, Resources],
    *,
    images: Mapping[str, str] | None = None,
    files: tuple[str, ...] = (),
    protected: tuple[str, ...] = (),
    stage: str = "dev",
) -> Assembly:
    """An assembly of `stacks`; `images` are asset hash -> Dockerfile, all in the first stack."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts: dict[str, Any] = {"Tree": {"type": "cdk:tree", "properties": {}}}
    for number, (stack, resources) in enumerate(stacks.items()):
        artifacts[stack] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {
                "stackName": f"shpc-{stage}-{stack.lower()}",
                "terminationProtection": stack in protected,
            },
        }
        docker = {
            key: {"source": {"dockerFile": dockerfile, "platform": "linux/amd64"}}
            for key, dockerfile in (images or {}).items()
        }
        assets = {
            "files": {key: {} for key in files if not number},
            "dockerImages": {} if number else docker,
        }
        (folder / f"{stack}.assets.json").write_text(json.dumps(assets))
        template = {"Resources": resources}
        (folder / f"{stack}.template.json").write_text(json.dumps(template, indent=1))
        (folder / f"{stack}.metadata.json").write_text("{}")
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return Assembly(stage, folder)
