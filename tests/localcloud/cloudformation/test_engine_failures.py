"""The engine on things in memory: failure, rollback, and deletion that does not go through."""

from __future__ import annotations

import threading

import pytest

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import CloudFormationError
from tests.localcloud.cloudformation.world import (
    World,
    body,
    delete,
    deploy,
    reasons,
    status,
    thing,
)


def test_failed_creation_rolls_back_everything(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create C half-way"}

    assert deploy(service, {"A": thing(), "B": thing("A"), "C": thing("B")}) == "ROLLBACK_COMPLETE"

    assert world.things == {}
    assert world.log[-3:] == ["delete C", "delete B", "delete A"]
    assert "asked to fail: create C half-way" in reasons(service)
    assert "The following resource(s) failed to create: [C]" in reasons(service)


def test_events_of_a_failed_update_are_in_the_order_of_what_happened(
    service: CloudFormationService, world: World
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""
    deploy(service, {"A": thing(Name="1")})
    world.failing = {"create B"}
    deploy(service, {"A": thing(Name="2"), "B": thing("A")})

    events = service.handle("DescribeStackEvents", {"StackName": "s"})["StackEvents"]
    last = events[0]["OperationId"]
    assert [
        f"{event['LogicalResourceId']} {event['ResourceStatus']}"
        for event in events[::-1]
        if event["OperationId"] == last
    ] == [
        "s UPDATE_IN_PROGRESS",
        "A UPDATE_IN_PROGRESS",  # with the reason that a new physical resource is required
        "A UPDATE_IN_PROGRESS",  # Resource creation Initiated
        "A UPDATE_COMPLETE",
        "B CREATE_IN_PROGRESS",
        "B CREATE_FAILED",
        "s UPDATE_ROLLBACK_IN_PROGRESS",
        "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "B DELETE_IN_PROGRESS",
        "B DELETE_COMPLETE",
        "A DELETE_IN_PROGRESS",
        "A DELETE_COMPLETE",
        "s UPDATE_ROLLBACK_COMPLETE",
    ]


def test_failed_creation_can_be_left_and_rolled_back_later(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create B"}
    resources = {"A": thing(), "B": thing("A")}
    assert deploy(service, resources, DisableRollback=True) == "CREATE_FAILED"
    assert len(world.things) == 1

    service.handle("RollbackStack", {"StackName": "s"})
    service.join()

    assert status(service) == "ROLLBACK_COMPLETE"
    assert world.things == {}


def test_failed_creation_can_be_left_and_continued(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create B half-way"}
    resources = {"A": thing(), "B": thing("A")}
    deploy(service, resources, DisableRollback=True)

    assert deploy(service, resources, DisableRollback=True) == "UPDATE_COMPLETE"

    assert world.log == ["create A", "create B", "delete B", "create B"]
    assert delete(service) == "DELETE_COMPLETE"
    assert world.things == {}


def test_failed_stack_is_not_updated_with_rollback(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create A"}
    deploy(service, {"A": thing()}, DisableRollback=True)

    with pytest.raises(CloudFormationError, match="use the disable-rollback parameter"):
        deploy(service, {"A": thing(Value="2")})


def test_on_failure_delete_leaves_no_stack(service: CloudFormationService, world: World) -> None:
    world.failing = {"create B"}

    assert deploy(service, {"A": thing(), "B": thing("A")}, OnFailure="DELETE") == "DELETE_COMPLETE"

    assert service.live_stacks() == []
    assert world.things == {}


def test_failed_update_restores_values_and_replaced_things(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Name="1", Value="1"), "B": thing("A", Value="1"), "C": thing("B")})
    before = world.state()
    world.failing = {"update C"}

    final = deploy(
        service,
        {
            "A": thing(Name="2", Value="2"),
            "New": thing("A"),
            "B": thing("A", "New", Value="2"),
            "C": thing("B", "New", Value="2"),
        },
    )

    assert final == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == before
    assert "asked to fail: update C" in reasons(service)
    assert deploy(service, {"A": thing(Name="3")}) == "UPDATE_COMPLETE"


def test_failed_update_brings_removed_resources_through(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(), "B": thing(Value="1")})
    world.failing = {"update B"}

    deploy(service, {"B": thing(Value="2")})

    assert sorted(i.partition("#")[0] for i in world.things) == ["A", "B"]


def test_failed_rollback_can_be_continued(service: CloudFormationService, world: World) -> None:
    deploy(service, {"A": thing(Value="1"), "B": thing("A", Value="1")})
    before = world.state()
    resources = {"A": thing(Value="2"), "B": thing("A", Value="1"), "C": thing("A")}
    world.failing = {"create C"}
    # A has been changed when C is reached; then both C and restoring A fail.
    world.gate = threading.Event()
    service.handle("UpdateStack", {"StackName": "s", "TemplateBody": body(resources)})
    assert world.reached.wait(10)
    world.failing.add("update A")
    world.gate.set()
    service.join()
    assert status(service) == "UPDATE_ROLLBACK_FAILED"
    assert "failed to update: [A]" in reasons(service)

    service.handle("ContinueUpdateRollback", {"StackName": "s"})
    service.join()

    assert status(service) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == before


def test_continued_rollback_can_skip_a_resource(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Value="1")})
    world.failing = {"create C"}
    world.gate = threading.Event()
    resources = {"A": thing(Value="2"), "C": thing("A")}
    service.handle("UpdateStack", {"StackName": "s", "TemplateBody": body(resources)})
    assert world.reached.wait(10)
    world.failing.add("update A")
    world.gate.set()
    service.join()

    service.handle("ContinueUpdateRollback", {"StackName": "s", "ResourcesToSkip": ["A"]})
    service.join()

    assert status(service) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource skipped during UpdateRollback" in reasons(service)


def test_update_left_failed_is_rolled_back_to_the_last_stable_state(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Value="1", Name="1"), "B": thing("A")})
    before = world.state()
    world.failing = {"update B"}
    first = {"A": thing(Value="2", Name="2"), "B": thing("A", Value="2")}
    assert deploy(service, first, DisableRollback=True) == "UPDATE_FAILED"
    world.failing = {"create C half-way"}
    second = {"A": thing(Value="3", Name="3"), "B": thing("A", Value="3"), "C": thing("B")}
    assert deploy(service, second, DisableRollback=True) == "UPDATE_FAILED"

    service.handle("RollbackStack", {"StackName": "s"})
    service.join()

    assert status(service) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == before


def test_stack_with_failed_update_can_be_deleted(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Name="1")})
    world.failing = {"create B"}
    deploy(service, {"A": thing(Name="2"), "B": thing("A")}, DisableRollback=True)
    assert len(world.things) == 2

    assert delete(service) == "DELETE_COMPLETE"

    assert world.things == {}


def test_deletion_goes_on_past_a_failure_and_can_be_repeated(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(), "B": thing("A"), "Alone": thing()})
    world.failing = {"delete B"}

    assert delete(service) == "DELETE_FAILED"
    assert sorted(i.partition("#")[0] for i in world.things) == ["A", "B"]
    assert "failed to delete: [B]" in reasons(service)
    assert "asked to fail: delete B" in reasons(service)

    assert delete(service) == "DELETE_COMPLETE"
    assert world.things == {}


def test_failed_deletion_can_retain_what_fails(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing()})
    with pytest.raises(CloudFormationError, match="DELETE_FAILED state"):
        delete(service, RetainResources=["A"])
    world.failing = {"delete A"}
    delete(service)

    assert delete(service, RetainResources=["A"]) == "DELETE_COMPLETE"
    assert len(world.things) == 1


def test_forced_deletion_lets_go_of_what_fails(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(), "B": thing()})
    world.failing = {"delete A"}

    assert delete(service, DeletionMode="FORCE_DELETE_STACK") == "DELETE_COMPLETE"
    assert [i.partition("#")[0] for i in world.things] == ["A"]


@pytest.mark.parametrize(("policy", "left"), [("Retain", ["A"]), ("RetainExceptOnCreate", [])])
def test_rollback_of_the_creation_honours_the_deletion_policy(
    service: CloudFormationService, world: World, policy: str, left: list[str]
) -> None:
    world.failing = {"create B"}

    deploy(service, {"A": thing(policies={"DeletionPolicy": policy}), "B": thing("A")})

    assert [i.partition("#")[0] for i in world.things] == left


def test_failed_clean_up_does_not_fail_the_update(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(), "B": thing()})
    world.failing = {"delete A"}

    assert deploy(service, {"B": thing()}) == "UPDATE_COMPLETE"
    assert "asked to fail: delete A" in reasons(service)
    listed = service.handle("ListStackResources", {"StackName": "s"})["StackResourceSummaries"]
    assert [r["LogicalResourceId"] for r in listed] == ["B"]


def test_handlers_own_mistake_fails_the_resource_not_the_engine(
    service: CloudFormationService, world: World
) -> None:
    # The thing is used before it exists, which only an undeclared dependency can bring about.
    resources = {"A": {"Type": "Test::Thing", "Properties": {"Uses": ["nobody"]}}}

    assert deploy(service, resources) == "ROLLBACK_COMPLETE"
    assert "Internal failure in the resource handler: AssertionError" in reasons(service)
