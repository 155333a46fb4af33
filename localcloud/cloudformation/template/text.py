"""Turns the text of a template, JSON or YAML with CloudFormation's short tags, into plain values.

Scalars keep their spelling where YAML 1.1 would reinterpret them as dates: CloudFormation reads
`2012-10-17` as text. Refused: aliases (CloudFormation refuses them too), tags that are no
intrinsic function, anything that is not one mapping.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from localcloud.cloudformation.errors import validation_error

MAX_BODY_CHARACTERS = 51_200
MAX_URL_BODY_CHARACTERS = 1_048_576

_SHORT_TAGS = (
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "Transform",
)


class _TemplateLoader(yaml.SafeLoader):
    """YAML as CloudFormation reads it."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise validation_error(
                "Template error: YAML aliases are not allowed in CloudFormation templates"
            )
        return super().compose_node(parent, index)


def _untagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    raise validation_error(f"Template format error: unreadable YAML node at {node.start_mark}")


def _short_function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value = _untagged(loader, node)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt":
        return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}
    if suffix in _SHORT_TAGS:
        return {f"Fn::{suffix}": value}
    raise validation_error(f"Template format error: !{suffix} is not an intrinsic function")


_TemplateLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TemplateLoader.add_multi_constructor("!", _short_function)


def read_document(body: str) -> dict[str, Any]:
    """Parse a template's text.

    Raises CloudFormationError (ValidationError) when it is neither JSON nor YAML, or no mapping.
    """
    try:
        document = json.loads(body) if body.lstrip().startswith("{") else None
    except json.JSONDecodeError:
        document = None
    except RecursionError as error:
        raise validation_error("Template format error: nested too deeply") from error
    if document is None:
        document = _read_yaml(body)
    if not isinstance(document, dict):
        raise validation_error("Template format error: unsupported structure.")
    return document


def _read_yaml(body: str) -> Any:
    try:
        # _TemplateLoader is a SafeLoader: no tag can construct anything but plain values.
        return yaml.load(body, Loader=_TemplateLoader)
    except yaml.YAMLError as error:
        raise validation_error(f"Template format error: YAML not well-formed. {error}") from error
    except RecursionError as error:
        raise validation_error("Template format error: nested too deeply") from error
