"""The order of resources: from references and DependsOn, dependencies first.

Among resources that are free to go, the template's own order decides, so that two deployments of
one template do the same things in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.template.declarations import ResourceDeclaration
from localcloud.cloudformation.template.references import scan


def dependencies_of(declaration: ResourceDeclaration) -> set[str]:
    """Names this resource refers to or depends on; parameters may be among them."""
    found = scan(dict(declaration.properties), "")
    return {reference.target for reference in found.references} | set(declaration.depends_on)


def dependency_graph(resources: Mapping[str, ResourceDeclaration]) -> dict[str, frozenset[str]]:
    """For every resource, the other resources of the template that must come first."""
    return {
        logical_id: frozenset(dependencies_of(declaration) & set(resources))
        for logical_id, declaration in resources.items()
    }


def topological_order(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """Dependencies before dependents. Raises ValidationError naming a circle.

    Names that are only depended on, and are no key of the graph, do not appear in the answer.
    """
    sorter = TopologicalSorter(
        {name: [item for item in before if item in graph] for name, before in graph.items()}
    )
    rank = {name: position for position, name in enumerate(graph)}
    try:
        sorter.prepare()
    except CycleError as error:
        circle = ", ".join(dict.fromkeys(error.args[1]))
        raise validation_error(f"Circular dependency between resources: [{circle}]") from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=rank.__getitem__)
        order.extend(ready)
        sorter.done(*ready)
    return order
