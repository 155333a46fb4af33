"""Refuses a template before anything is touched, naming all that is wrong with it at once.

Fail closed: an unknown resource type, property, attribute or intrinsic function is an error here,
never something to skip. The exception is CDK's own `AWS::CDK::Metadata`, which has a handler that
does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from localcloud.cloudformation.errors import CloudFormationError, template_errors, validation_error
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.cloudformation.resources.schema import unmodelled
from localcloud.cloudformation.template.declarations import ResourceDeclaration, Template
from localcloud.cloudformation.template.graph import dependency_graph, topological_order
from localcloud.cloudformation.template.parameters import parameter_problems
from localcloud.cloudformation.template.references import (
    CONDITION_FUNCTIONS,
    PSEUDO_PARAMETERS,
    RULE_FUNCTIONS,
    Findings,
    scan,
)

_NAMED_IAM_PROPERTIES = {
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
}
_IAM_TYPES = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"}


def check_template(template: Template, handlers: Mapping[str, ResourceHandler]) -> None:
    """Raise CloudFormationError (ValidationError) with every problem found."""
    unknown = sorted({r.type for r in template.resources.values() if r.type not in handlers})
    if unknown:
        users = sorted(
            f"{r.logical_id} ({r.type})" for r in template.resources.values() if r.type in unknown
        )
        raise validation_error(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]: "
            f"not modelled by this embedded cloud; used by {', '.join(users)}"
        )
    problems = parameter_problems(template.parameters)
    for declaration in template.resources.values():
        problems.extend(_resource_problems(declaration, template, handlers))
    problems.extend(_output_problems(template, handlers))
    for name, condition in template.conditions.items():
        where = f"Conditions.{name}"
        problems.extend(
            _finding_problems(scan(condition, where, CONDITION_FUNCTIONS), template, handlers)
        )
    for name, rule in template.rules.items():
        problems.extend(scan(rule, f"Rules.{name}", RULE_FUNCTIONS).problems)
    if problems:
        raise template_errors(list(dict.fromkeys(problems)))
    topological_order(dependency_graph(template.resources))


def _resource_problems(
    declaration: ResourceDeclaration, template: Template, handlers: Mapping[str, ResourceHandler]
) -> Iterator[str]:
    handler = handlers[declaration.type]
    label = f"{declaration.logical_id} ({declaration.type})"
    for problem in unmodelled(handler.schema, dict(declaration.properties), ""):
        yield f"{label}: {problem}"
    if declaration.condition is not None and declaration.condition not in template.conditions:
        yield f"{label}: condition {declaration.condition} is not defined"
    for name in declaration.depends_on:
        if name not in template.resources:
            yield f"Unresolved resource dependencies [{name}] in DependsOn of {label}"
    where = f"Resources.{declaration.logical_id}.Properties"
    found = scan(dict(declaration.properties), where)
    yield from _finding_problems(found, template, handlers)


def _output_problems(template: Template, handlers: Mapping[str, ResourceHandler]) -> Iterator[str]:
    for key, output in template.outputs.items():
        if output.condition is not None and output.condition not in template.conditions:
            yield f"Outputs.{key}: condition {output.condition} is not defined"
        found = scan(output.value, f"Outputs.{key}.Value")
        scan(output.export_name, f"Outputs.{key}.Export.Name", found=found)
        yield from _finding_problems(found, template, handlers)


def _finding_problems(
    found: Findings, template: Template, handlers: Mapping[str, ResourceHandler]
) -> Iterator[str]:
    yield from found.problems
    for used in found.conditions:
        if used.target not in template.conditions:
            yield f"{used.where}: condition {used.target} is not defined"
    for reference in found.references:
        if reference.attribute is None and (
            reference.target in template.parameters or reference.target in PSEUDO_PARAMETERS
        ):
            continue
        declared = template.resources.get(reference.target)
        if declared is None:
            yield f"{reference.where}: Unresolved resource dependencies [{reference.target}]"
        elif reference.attribute is not None:
            attributes = handlers[declared.type].attributes
            if reference.attribute not in attributes:
                listed = ", ".join(sorted(attributes)) or "none"
                yield (
                    f"{reference.where}: attribute {reference.attribute} of {declared.logical_id} "
                    f"({declared.type}) is not modelled; modelled: {listed}"
                )


def check_same_types(current: Mapping[str, str], template: Template) -> None:
    """A logical id keeps its type for the life of a stack. `current`: type by logical id."""
    moved = sorted(
        logical_id
        for logical_id, declaration in template.resources.items()
        if current.get(logical_id, declaration.type) != declaration.type
    )
    if moved:
        raise validation_error(
            "Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{', '.join(moved)}]"
        )


def required_capabilities(template: Template) -> list[str]:
    """What the caller has to acknowledge, as CloudFormation asks for IAM resources."""
    iam = [r for r in template.resources.values() if r.type in _IAM_TYPES]
    if any(_NAMED_IAM_PROPERTIES.get(r.type, "") in r.properties for r in iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if iam else []


def check_capabilities(template: Template, acknowledged: tuple[str, ...]) -> None:
    """Raise InsufficientCapabilitiesException when IAM resources were not acknowledged."""
    for capability in required_capabilities(template):
        sufficient = {capability, "CAPABILITY_NAMED_IAM"}
        if sufficient.isdisjoint(acknowledged):
            raise CloudFormationError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]"
            )
