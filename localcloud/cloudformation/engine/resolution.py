"""A deployment's target with its conditions decided: which resources there are, in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.cloudformation.engine.state import Stack, StackResource, Target
from localcloud.cloudformation.errors import unresolved_dependency
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.cloudformation.resources.schema import conform
from localcloud.cloudformation.resources.tagging import with_stack_tags
from localcloud.cloudformation.template.conditions import evaluate_conditions
from localcloud.cloudformation.template.declarations import OutputDeclaration, ResourceDeclaration
from localcloud.cloudformation.template.evaluation import Resources, Scope
from localcloud.cloudformation.template.graph import dependency_graph, topological_order
from localcloud.context import CloudContext


def pseudo_parameters(context: CloudContext, stack_name: str, stack_id: str) -> dict[str, Any]:
    """The values of `AWS::...` names; NoValue is the evaluation's own affair."""
    return {
        "AWS::AccountId": context.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": context.region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


@dataclass(frozen=True)
class ResolvedTarget:
    """What a target's parameters make of its template."""

    target: Target
    pseudo: Mapping[str, Any]
    parameters: Mapping[str, Any]
    conditions: Mapping[str, bool]
    declared: Mapping[str, ResourceDeclaration]
    outputs: Mapping[str, OutputDeclaration]
    graph: Mapping[str, frozenset[str]]
    order: list[str]

    def scope(self, resources: Resources, import_value: Callable[[str], str]) -> Scope:
        """Names as they are meant here, with the given way to look up resources and imports."""
        return Scope(
            self.pseudo,
            self.parameters,
            self.target.template.mappings,
            self.conditions,
            resources,
            import_value,
        )

    def properties(self, logical_id: str, handler: ResourceHandler, scope: Scope) -> dict[str, Any]:
        """Evaluated properties of a declared resource, with the tags that CloudFormation adds.

        Raises ResourceFailure or CloudFormationError for what cannot be evaluated.
        """
        evaluated = scope.evaluate(dict(self.declared[logical_id].properties))
        system = {
            "aws:cloudformation:stack-name": self.pseudo["AWS::StackName"],
            "aws:cloudformation:stack-id": self.pseudo["AWS::StackId"],
            "aws:cloudformation:logical-id": logical_id,
        }
        conforming = conform(handler.schema, evaluated, "")
        return with_stack_tags(handler, conforming, dict(self.target.tags), system)


def resolve_target(target: Target, stack: Stack, context: CloudContext) -> ResolvedTarget:
    """Decide conditions and order. Raises CloudFormationError for circles and bad conditions."""
    template = target.template
    pseudo = pseudo_parameters(context, stack.name, stack.stack_id)
    parameters = {key: value.value for key, value in target.parameters.items()}
    conditions = evaluate_conditions(template, pseudo, parameters)
    declared = {
        logical_id: declaration
        for logical_id, declaration in template.resources.items()
        if declaration.condition is None or conditions[declaration.condition]
    }
    outputs = {
        key: output
        for key, output in template.outputs.items()
        if output.condition is None or conditions[output.condition]
    }
    graph = dependency_graph(declared)
    return ResolvedTarget(
        target, pseudo, parameters, conditions, declared, outputs, graph, topological_order(graph)
    )


class CurrentResources:
    """Looks references up in the stack as it is: during execution everything needed exists."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def _existing(self, logical_id: str) -> StackResource:
        resource = self._stack.resource(logical_id)
        if resource is None or resource.physical_id is None:
            raise unresolved_dependency(logical_id)
        return resource

    def ref(self, logical_id: str) -> Any:
        """The physical id."""
        return self._existing(logical_id).physical_id

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """The attribute as the service reported it when the resource was made or last changed."""
        return self._existing(logical_id).attributes[attribute]
