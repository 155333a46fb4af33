"""CloudFormation's references as a reader would say them: `Storage/InputBucket`, not `3BF8630A`.

It decides that a resource is called by its path in the construct tree, and that an import is
followed to what the other stack exports. What it does not know it shows as it is.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

from review.assembly import Assembly, Resource

# Path elements that CDK adds to what the stack's author called a resource.
_PLUMBING = {"Resource", "Default"}
_HERE = re.compile(r"arn:<Partition>:([a-z0-9-]+):(?:<Region>)?:<AccountId>:")
_VARIABLE = re.compile(r"\$\{([^}!]+)\}")


class Names:
    """The names of one assembly's resources."""

    def __init__(self, assembly: Assembly) -> None:
        """Take the names from `assembly`."""
        self._assembly = assembly

    def of(self, key: str) -> str:
        """The name of `Stack/LogicalId`."""
        return self._by_key.get(key, key)

    def target(self, stack: str, node: Any) -> str | None:
        """`Stack/LogicalId` of the resource that a reference leads to, if it leads to one."""
        match node:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} if (
                name in (self._assembly.template(stack)["Resources"])
            ):
                return f"{stack}/{name}"
            case {"Fn::ImportValue": str(name)} if name in self._exports:
                return self.target(*self._exports[name])
        return None

    def text(self, stack: str, node: Any) -> str:
        """A value in a template of `stack`, as one line; `<...>` stands for a reference.

        An ARN of this account and region is shown without them.
        """
        return _HERE.sub(r"\1:", self._text(stack, node))

    def _text(self, stack: str, node: Any) -> str:
        match node:
            case str():
                return node
            case {"Ref": str(name)}:
                return self._reference(stack, name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                owner = self._reference(stack, name)
                return owner if attribute == "Arn" else f"{owner}.{attribute}"
            case {"Fn::Join": [delimiter, list(items)]}:
                return str(delimiter).join(self._text(stack, item) for item in items)
            case {"Fn::Sub": str(pattern)}:
                return _VARIABLE.sub(lambda found: self._reference(stack, found[1]), pattern)
            case {"Fn::ImportValue": str(name)} if name in self._exports:
                return self._text(*self._exports[name])
            case {"Fn::Select": [_, {"Fn::Split": [_, source]}]}:
                return self._text(stack, source)
        return json.dumps(node, separators=(",", ":"))

    def _reference(self, stack: str, name: str) -> str:
        if name.startswith("AWS::"):
            return f"<{name.removeprefix('AWS::')}>"
        return f"<{self.of(f'{stack}/{name}')}>"

    @cached_property
    def _by_key(self) -> dict[str, str]:
        return {key: _name(key, resource) for key, resource in self._assembly.resources().items()}

    @cached_property
    def _exports(self) -> dict[str, tuple[str, Any]]:
        return {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack in self._assembly.stacks
            for output in self._assembly.template(stack).get("Outputs", {}).values()
            if "Export" in output
        }


def _name(key: str, resource: Resource) -> str:
    path = resource.get("Metadata", {}).get("aws:cdk:path")
    if path is None:
        return key
    return "/".join(part for part in path.split("/") if part not in _PLUMBING)
