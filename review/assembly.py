"""A cloud assembly as plain data: its stacks, their templates, resources and statements.

It decides that the manifest alone says which stacks there are, so that a new stack is reviewed from
the moment it exists. It judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The folder that one synthesis of `stage` wrote."""

    stage: str
    folder: Path

    @property
    def stacks(self) -> tuple[str, ...]:
        """Construct IDs of the stacks, each after those it imports from."""
        artifacts = read(self.folder / "manifest.json")["artifacts"]
        return tuple(
            name
            for name, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        )

    def template(self, stack: str) -> dict[str, Any]:
        """The template of a stack, by its construct ID."""
        return read(self.folder / f"{stack}.template.json")

    def manifest(self, stack: str) -> dict[str, Any]:
        """What the CDK CLI is told about a stack: name, tags, protection."""
        return read(self.folder / "manifest.json")["artifacts"][stack]["properties"]

    def environment(self, stack: str) -> str:
        """Account and region of a stack, as `aws://account/region`."""
        return read(self.folder / "manifest.json")["artifacts"][stack]["environment"]

    def images(self) -> dict[str, dict[str, Any]]:
        """Asset hash -> how that image is built."""
        images: dict[str, dict[str, Any]] = {}
        for stack in self.stacks:
            assets = read(self.folder / f"{stack}.assets.json")
            images |= {key: image["source"] for key, image in assets["dockerImages"].items()}
        return images

    def resources(self, kind: str | None = None) -> dict[str, Resource]:
        """`Stack/LogicalId` -> resource, of one type or of all."""
        return {
            f"{stack}/{logical_id}": resource
            for stack in self.stacks
            for logical_id, resource in self.template(stack)["Resources"].items()
            if kind is None or resource["Type"] == kind
        }

    def role_statements(self) -> Iterator[tuple[str, Statement]]:
        """Every statement that an identity of ours is granted, inline policies included."""
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for name, policy in self.resources(kind).items():
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    yield name, statement
        for name, role in self.resources("AWS::IAM::Role").items():
            for inline in role["Properties"].get("Policies", []):
                for statement in inline["PolicyDocument"]["Statement"]:
                    yield name, statement


@cache
def read(path: Path) -> Any:
    """A JSON file of an assembly, read once: nobody may change what this returns."""
    return json.loads(path.read_text())


def as_list(value: Any) -> list[Any]:
    """A value of which CloudFormation also takes many."""
    return value if isinstance(value, list) else [value]
