"""Whatever is deployed and whatever fails: the world is as the stack says, or as it was before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import CloudFormationError
from localcloud.context import CloudContext
from tests.localcloud.cloudformation.world import Thing, World, body, thing

NAMES = ["A", "B", "C", "D"]
CONTEXT = CloudContext("123456789012", "us-east-1", "http://localhost:1", Path("/"), "a", "b")


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """A few things that use each other, in any order, some to be replaced."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 4))]
    resources = {}
    for position, name in enumerate(names):
        uses = draw(st.sets(st.sampled_from(names[:position]))) if position else set()
        resources[name] = thing(
            *sorted(uses),
            Name=draw(st.sampled_from(["n1", "n2"])),
            Value=draw(st.sampled_from(["v1", "v2", "v3"])),
            Labels=draw(st.dictionaries(st.sampled_from("klm"), st.sampled_from("12"))),
        )
    return resources


failures = st.sets(
    st.builds(
        "{} {}".format,
        st.just("create"),
        st.sampled_from([*NAMES, *(f"{name} half-way" for name in NAMES)]),
    )
    | st.builds("update {}{}".format, st.sampled_from(NAMES), st.sampled_from(["", " half-way"])),
    max_size=2,
)
# What fails while a failure is undone.
undoing = st.sets(
    st.builds(
        "{} {}".format,
        st.sampled_from(["update", "delete"]),
        st.sampled_from([*NAMES, *(f"{name} half-way" for name in NAMES)]),
    ),
    max_size=2,
)


def _expected(resources: dict[str, Any], ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    expected = {}
    for name, declared in resources.items():
        properties = dict(declared["Properties"])
        if "Uses" in properties:
            properties["Uses"] = [ids[used["Ref"]] for used in properties["Uses"]]
        expected[ids[name]] = properties
    return expected


def _deploy(service: CloudFormationService, resources: dict[str, Any], **request: Any) -> str:
    exists = "s" in service.live_stacks()
    request = {"StackName": "s", "TemplateBody": body(resources), **request}
    try:
        service.handle("UpdateStack" if exists else "CreateStack", request)
    except CloudFormationError as error:
        if "No updates are to be performed" not in error.message:
            raise
    service.join()
    return str(service.handle("DescribeStacks", {"StackName": "s"})["Stacks"][0]["StackStatus"])


def _check_reached(service: CloudFormationService, world: World, resources: dict[str, Any]) -> None:
    listed = service.handle("ListStackResources", {"StackName": "s"})["StackResourceSummaries"]
    ids = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in listed}
    assert world.state() == _expected(resources, ids)


def _delete(service: CloudFormationService, world: World) -> None:
    service.handle("DeleteStack", {"StackName": "s"})
    service.join()
    assert service.live_stacks() == []
    assert world.things == {}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(templates(), failures), min_size=1, max_size=4))
def test_deployment_succeeds_or_leaves_everything_as_it_was(
    steps: list[tuple[dict[str, Any], set[str]]],
) -> None:
    world = World()
    service = CloudFormationService(CONTEXT, {"Test::Thing": Thing(CONTEXT, world)})
    for resources, failing in steps:
        before = world.state()
        world.failing = set(failing)

        status = _deploy(service, resources)
        # A failure that was not reached must not strike the rollback of a later step.
        world.failing = set()

        if status == "ROLLBACK_COMPLETE":
            _delete(service, world)
        elif status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            _check_reached(service, world, resources)
        else:
            assert status in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
            if status == "UPDATE_ROLLBACK_FAILED":
                service.handle("ContinueUpdateRollback", {"StackName": "s"})
                service.join()
            assert world.state() == before
    if service.live_stacks():
        _delete(service, world)


@settings(max_examples=100, deadline=None)
@given(templates(), st.lists(st.tuples(templates(), failures), min_size=1, max_size=3))
@example(  # What D uses since its first failed update must outlive D in the third.
    {"A": thing(Name="n1"), "D": thing(Name="n1")},
    [
        ({"A": thing(Name="n1"), "B": thing(), "D": thing("A", "B", Name="n1")}, {"update D"}),
        ({"A": thing(Name="n1"), "B": thing(), "D": thing(Name="n1")}, {"update D"}),
        ({"A": thing(Name="n1")}, set()),
    ],
)
def test_rollback_after_failures_without_rollback_returns_to_the_stable_state(
    first: dict[str, Any], steps: list[tuple[dict[str, Any], set[str]]]
) -> None:
    world = World()
    service = CloudFormationService(CONTEXT, {"Test::Thing": Thing(CONTEXT, world)})
    assert _deploy(service, first) == "CREATE_COMPLETE"
    stable = world.state()
    status = "CREATE_COMPLETE"
    for resources, failing in steps:
        world.failing = set(failing)
        status = _deploy(service, resources, DisableRollback=True)
        world.failing = set()
        if status == "UPDATE_COMPLETE":
            _check_reached(service, world, resources)
            stable = world.state()

    if status == "UPDATE_FAILED":
        service.handle("RollbackStack", {"StackName": "s"})
        service.join()
        assert world.state() == stable
    _delete(service, world)


@settings(max_examples=100, deadline=None)
@given(templates(), templates(), failures, undoing)
def test_rollback_that_fails_too_ends_where_it_should_when_it_is_repeated(
    first: dict[str, Any], second: dict[str, Any], failing: set[str], next_failing: set[str]
) -> None:
    world = World()
    service = CloudFormationService(CONTEXT, {"Test::Thing": Thing(CONTEXT, world)}, linger_s=0)
    assert _deploy(service, first) == "CREATE_COMPLETE"
    before = world.state()
    world.failing, world.failing_next = set(failing), set(next_failing)

    status = _deploy(service, second)
    world.failing, world.failing_next = set(), set()

    if status == "UPDATE_ROLLBACK_FAILED":
        service.handle("ContinueUpdateRollback", {"StackName": "s"})
        service.join()
        status = "UPDATE_ROLLBACK_COMPLETE"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        # What could not be deleted is given up, as CloudFormation does; nothing else may be left.
        assert before.items() <= world.state().items()
        given_up = {name.partition(" ")[2] for name in next_failing if name.startswith("delete")}
        left = {name.partition("#")[0] for name in world.state().keys() - before.keys()}
        assert left <= given_up
    else:
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        _check_reached(service, world, second)


@settings(max_examples=100, deadline=None)
@given(templates(), templates(), failures, st.sets(st.sampled_from(NAMES), max_size=2))
def test_failed_deletion_is_completed_when_it_is_repeated(
    first: dict[str, Any], second: dict[str, Any], failing: set[str], undeletable: set[str]
) -> None:
    world = World()
    service = CloudFormationService(CONTEXT, {"Test::Thing": Thing(CONTEXT, world)}, linger_s=0)
    _deploy(service, first)
    world.failing = set(failing)
    _deploy(service, second, DisableRollback=True)
    there = {name.partition("#")[0] for name in world.things}
    world.failing = {f"delete {name}" for name in undeletable}

    service.handle("DeleteStack", {"StackName": "s"})
    service.join()

    if there & undeletable:
        assert service.live_stacks() == ["s"]
        world.failing = set()
    _delete(service, world)


@settings(max_examples=100, deadline=None)
@given(st.lists(templates(), min_size=1, max_size=3), failures, st.sets(st.sampled_from(NAMES)))
def test_retained_things_are_never_deleted(
    steps: list[dict[str, Any]], failing: set[str], retained: set[str]
) -> None:
    world = World()
    service = CloudFormationService(CONTEXT, {"Test::Thing": Thing(CONTEXT, world)}, linger_s=0)
    first: set[str] = set()
    # What a retained thing uses cannot be deleted either, so it is retained as well.
    for resources in steps * len(NAMES):
        for name in retained & set(resources):
            retained |= {used["Ref"] for used in resources[name]["Properties"].get("Uses", ())}
    for position, resources in enumerate(steps):
        for name in retained & set(resources):
            resources[name] |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        world.failing = set(failing) if position else set()
        _deploy(service, resources)
        if position == 0:
            first = set(world.things)
    world.failing = set()
    service.handle("DeleteStack", {"StackName": "s"})
    service.join()

    assert service.live_stacks() == []
    left = set(world.things)
    assert {name.partition("#")[0] for name in left} <= retained
    assert {name for name in first if name.partition("#")[0] in retained} <= left
