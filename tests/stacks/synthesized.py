"""One synthesized stage as plain data, and the questions that tests ask of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from review.assembly import Assembly, as_list
from review.intrinsics import Names

__all__ = ["Synthesize", "Synthesized", "as_list", "as_text"]


@dataclass(frozen=True)
class Synthesized(Assembly):
    """The cloud assembly of one stage."""

    @property
    def names(self) -> Names:
        """What its references lead to."""
        return Names(self)

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

    def only(self, kind: str) -> dict[str, Any]:
        """The one resource of a type."""
        (resource,) = self.resources(kind).values()
        return resource

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
        case {"Fn::Sub": str(text)}:
            return text.replace("${", "<").replace("}", ">")
        case {"Ref": name}:
            return f"<{name}>"
    raise AssertionError(f"an intrinsic no test has seen yet: {node}")
