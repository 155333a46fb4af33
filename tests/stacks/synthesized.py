"""One synthesized stage as plain data, and the questions that tests ask of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STACKS = ("Storage", "Functions", "Workflow", "Api")

# Every statement of a policy, with the logical ID of what it belongs to.
Statement = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """The cloud assembly of one stage."""

    stage: str
    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        """The template of a stack, by its construct ID."""
        return json.loads((self.folder / f"{stack}.template.json").read_text())

    def manifest(self, stack: str) -> dict[str, Any]:
        """What the CDK CLI is told about a stack: name, tags, protection."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        return manifest["artifacts"][stack]["properties"]

    def files(self) -> dict[str, bytes]:
        """Every file of the assembly, staged images included."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def differing(self, other: Synthesized) -> list[str]:
        """The files that are not the same in another assembly."""
        mine, others = self.files(), other.files()
        return sorted(name for name in mine | others if mine.get(name) != others.get(name))

    def images(self) -> dict[str, dict[str, Any]]:
        """Asset hash -> how that image is built."""
        images: dict[str, dict[str, Any]] = {}
        for stack in STACKS:
            assets = json.loads((self.folder / f"{stack}.assets.json").read_text())
            images |= {key: image["source"] for key, image in assets["dockerImages"].items()}
        return images

    def resources(self, kind: str | None = None) -> dict[str, dict[str, Any]]:
        """`Stack/LogicalId` -> resource, of one type or of all."""
        return {
            f"{stack}/{logical_id}": resource
            for stack in STACKS
            for logical_id, resource in self.template(stack)["Resources"].items()
            if kind is None or resource["Type"] == kind
        }

    def only(self, kind: str) -> dict[str, Any]:
        """The one resource of a type."""
        (resource,) = self.resources(kind).values()
        return resource

    def role_statements(self) -> Iterator[tuple[str, Statement]]:
        """Every statement that an identity of ours is granted, inline policies included."""
        for name, policy in self.resources("AWS::IAM::Policy").items():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                yield name, statement
        for name, role in self.resources("AWS::IAM::Role").items():
            for inline in role["Properties"].get("Policies", []):
                for statement in inline["PolicyDocument"]["Statement"]:
                    yield name, statement

    def statements_of(self, role: str) -> dict[str, list[str]]:
        """Action -> resources (as text) of one role, by the prefix of its logical ID."""
        granted: dict[str, list[str]] = {}
        for name, statement in self.role_statements():
            if name.startswith(role):
                assert statement["Effect"] == "Allow"
                for action in as_list(statement["Action"]):
                    resources = map(as_text, as_list(statement["Resource"]))
                    granted.setdefault(action, []).extend(resources)
        return {action: sorted(resources) for action, resources in granted.items()}

    def state_machine(self) -> dict[str, Any]:
        """The definition of the one state machine, references replaced by readable text."""
        machine = self.only("AWS::StepFunctions::StateMachine")
        return json.loads(as_text(machine["Properties"]["DefinitionString"]))


# Stage and overrides -> that stage; see the fixture `synthesize`.
Synthesize = Callable[..., Synthesized]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_text(node: Any) -> str:
    """An intrinsic as short text: `<LogicalId>`, `<LogicalId.Attribute>` or the export's name."""
    match node:
        case str():
            return node
        case {"Fn::Join": [delimiter, items]}:
            return str(delimiter).join(map(as_text, items))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": str(name)}:
            return f"<{name.partition(':Exports')[2]}>"
        case {"Fn::Select": [index, {"Fn::Split": [delimiter, source]}]}:
            return f"<{index} of {as_text(source)} split at {delimiter}>"
        case {"Ref": name}:
            return f"<{name}>"
    raise AssertionError(f"an intrinsic no test has seen yet: {node}")
