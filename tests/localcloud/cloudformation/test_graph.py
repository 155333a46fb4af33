"""Orders: dependencies first when making, dependents first when deleting, circles named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudformation.engine.deployment import deletion_order
from localcloud.cloudformation.engine.state import StackResource
from localcloud.cloudformation.errors import CloudFormationError
from localcloud.cloudformation.template.declarations import ResourceDeclaration
from localcloud.cloudformation.template.graph import dependency_graph, topological_order

NAMES = [f"R{number}" for number in range(12)]


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    names = draw(st.permutations(NAMES))
    graph = {}
    for position, name in enumerate(names):
        before = draw(st.sets(st.sampled_from(names[:position]))) if position else set()
        graph[name] = frozenset(before)
    return {name: graph[name] for name in draw(st.permutations(names))}


def _resources(graph: dict[str, frozenset[str]]) -> list[StackResource]:
    declaration = ResourceDeclaration("", "", {})
    return [
        StackResource(name, "T", declaration, frozenset((item, None) for item in before))
        for name, before in graph.items()
    ]


@given(acyclic_graphs())
def test_order_has_every_dependency_first(graph: dict[str, frozenset[str]]) -> None:
    order = topological_order(graph)

    assert sorted(order) == sorted(graph)
    for name, before in graph.items():
        assert all(order.index(item) < order.index(name) for item in before)


@given(acyclic_graphs())
def test_deletion_has_every_dependent_first(graph: dict[str, frozenset[str]]) -> None:
    resources = _resources(graph)

    order = [resource.logical_id for resource in deletion_order(resources)]

    assert sorted(order) == sorted(graph)
    for name, before in graph.items():
        assert all(order.index(item) > order.index(name) for item in before)


@given(st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES))))
def test_deletion_of_any_graph_names_everything_once(graph: dict[str, frozenset[str]]) -> None:
    resources = _resources(graph)

    assert sorted(r.logical_id for r in deletion_order(resources)) == sorted(graph)


def test_circle_is_named() -> None:
    with pytest.raises(CloudFormationError, match="Circular dependency") as caught:
        topological_order({"A": frozenset({"B"}), "B": frozenset({"C"}), "C": frozenset({"A"})})
    assert all(name in caught.value.message for name in "ABC")


def test_free_resources_keep_the_templates_order() -> None:
    graph = {name: frozenset[str]() for name in ("Zebra", "Ant", "Mole")}
    assert topological_order(graph) == ["Zebra", "Ant", "Mole"]


def test_references_and_depends_on_make_the_graph() -> None:
    resources = {
        "A": ResourceDeclaration("A", "T", {"x": {"Fn::Sub": "${B.Arn}"}, "y": {"Ref": "Param"}}),
        "B": ResourceDeclaration("B", "T", {}, depends_on=("C", "Absent")),
        "C": ResourceDeclaration("C", "T", {}),
    }

    assert dependency_graph(resources) == {
        "A": frozenset({"B"}),
        "B": frozenset({"C"}),
        "C": frozenset(),
    }
