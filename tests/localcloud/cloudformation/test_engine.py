"""The engine on things in memory: order, replacement, failure, rollback, deletion."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import CloudFormationError
from localcloud.context import CloudContext
from tests.localcloud.cloudformation.world import Thing, World, body, thing


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def service(context: CloudContext, world: World) -> Iterator[CloudFormationService]:
    service = CloudFormationService(context, {"Test::Thing": Thing(context, world)}, linger_s=0)
    yield service
    if world.gate is not None:
        world.gate.set()
    service.stop()


def deploy(
    service: CloudFormationService, resources: dict[str, Any], action: str = "", **request: Any
) -> str:
    """Create or update the stack `s`; its final status."""
    exists = "s" in service.live_stacks()
    action = action or ("UpdateStack" if exists else "CreateStack")
    request = {"StackName": "s", "TemplateBody": body(resources), **request}
    stack_id = service.handle(action, request)["StackId"]
    service.join()
    return status(service, stack_id)


def status(service: CloudFormationService, name: str = "s") -> str:
    return str(service.handle("DescribeStacks", {"StackName": name})["Stacks"][0]["StackStatus"])


def delete(service: CloudFormationService, **request: Any) -> str:
    stack_id = service.handle("DescribeStacks", {"StackName": "s"})["Stacks"][0]["StackId"]
    service.handle("DeleteStack", {"StackName": "s", **request})
    service.join()
    return status(service, stack_id)


def reasons(service: CloudFormationService) -> str:
    events = service.handle("DescribeStackEvents", {"StackName": "s"})["StackEvents"]
    return "\n".join(event.get("ResourceStatusReason", "") for event in events)


def test_replacement_comes_first_and_the_old_goes_last(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"User": thing("Used"), "Used": thing(Name="one")})
    world.log.clear()

    assert deploy(service, {"User": thing("Used"), "Used": thing(Name="two")}) == "UPDATE_COMPLETE"

    assert world.log == ["create Used", "update User", "delete Used"]


def test_removed_resource_goes_after_its_former_user_was_changed(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"User": thing("Used"), "Used": thing()})
    world.log.clear()

    deploy(service, {"User": thing()})

    assert world.log == ["update User", "delete Used"]


def test_unchanged_resource_is_not_touched(service: CloudFormationService, world: World) -> None:
    deploy(service, {"A": thing(Value="1"), "B": thing(Value="1")})
    world.log.clear()

    deploy(service, {"A": thing(Value="1"), "B": thing(Value="2")})

    assert world.log == ["update B"]


def test_change_reaches_who_uses_the_attribute(
    service: CloudFormationService, world: World
) -> None:
    def resources(value: str) -> dict[str, Any]:
        follower = thing()
        follower["Properties"]["Value"] = {"Fn::GetAtt": ["A", "Value"]}
        return {"A": thing(Value=value), "B": follower}

    deploy(service, resources("1"))
    deploy(service, resources("2"))

    assert sorted(t["Value"] for t in world.things.values()) == ["2", "2"]


def test_failed_creation_rolls_back_everything(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create C half-way"}

    assert deploy(service, {"A": thing(), "B": thing("A"), "C": thing("B")}) == "ROLLBACK_COMPLETE"

    assert world.things == {}
    assert world.log[-3:] == ["delete C", "delete B", "delete A"]
    assert "asked to fail: create C half-way" in reasons(service)
    assert "The following resource(s) failed to create: [C]" in reasons(service)


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


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_retained_resource_survives_stack_and_removal(
    service: CloudFormationService, world: World, policy: str
) -> None:
    kept = thing(policies={"DeletionPolicy": policy})
    deploy(service, {"A": kept, "B": kept, "C": thing()})

    deploy(service, {"A": kept, "C": thing(Value="2")})
    assert delete(service) == "DELETE_COMPLETE"

    assert sorted(i.partition("#")[0] for i in world.things) == ["A", "B"]


@pytest.mark.parametrize(("policy", "left"), [("Retain", ["A"]), ("RetainExceptOnCreate", [])])
def test_rollback_of_the_creation_honours_the_deletion_policy(
    service: CloudFormationService, world: World, policy: str, left: list[str]
) -> None:
    world.failing = {"create B"}

    deploy(service, {"A": thing(policies={"DeletionPolicy": policy}), "B": thing("A")})

    assert [i.partition("#")[0] for i in world.things] == left


def test_update_replace_policy_retains_the_predecessor(
    service: CloudFormationService, world: World
) -> None:
    policies = {"UpdateReplacePolicy": "Retain"}
    deploy(service, {"A": thing(Name="1", policies=policies)})

    deploy(service, {"A": thing(Name="2", policies=policies)})

    assert sorted(t["Name"] for t in world.things.values()) == ["1", "2"]


def test_failed_clean_up_does_not_fail_the_update(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(), "B": thing()})
    world.failing = {"delete A"}

    assert deploy(service, {"B": thing()}) == "UPDATE_COMPLETE"
    assert "asked to fail: delete A" in reasons(service)
    listed = service.handle("ListStackResources", {"StackName": "s"})["StackResourceSummaries"]
    assert [r["LogicalResourceId"] for r in listed] == ["B"]


def test_named_resource_cannot_be_replaced_under_its_name(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Fixed="a", Name="1")})

    assert deploy(service, {"A": thing(Fixed="a", Name="2")}) == "UPDATE_ROLLBACK_COMPLETE"

    assert "custom-named resource requires replacing. Rename a" in reasons(service)
    assert world.things == {"a": {"Fixed": "a", "Name": "1"}}


def test_existing_thing_is_never_taken_over(service: CloudFormationService, world: World) -> None:
    world.things["a"] = {"Value": "mine"}

    assert deploy(service, {"A": thing(Fixed="a", Value="theirs")}) == "ROLLBACK_COMPLETE"

    assert world.things == {"a": {"Value": "mine"}}


def test_resource_type_cannot_change(context: CloudContext, world: World) -> None:
    other = Thing(context, world)
    service = CloudFormationService(context, {"Test::Thing": other, "Test::Other": other})
    deploy(service, {"A": thing()})

    with pytest.raises(CloudFormationError, match=r"resource type .*\[A\]"):
        deploy(service, {"A": {"Type": "Test::Other"}})


def test_running_operation_refuses_others(service: CloudFormationService, world: World) -> None:
    deploy(service, {"A": thing()})
    world.gate = threading.Event()
    resources = {"A": thing(), "B": thing()}
    service.handle("UpdateStack", {"StackName": "s", "TemplateBody": body(resources)})

    assert status(service) == "UPDATE_IN_PROGRESS"
    with pytest.raises(
        CloudFormationError, match="UPDATE_IN_PROGRESS state and can not be updated"
    ):
        service.handle("UpdateStack", {"StackName": "s", "TemplateBody": body({"A": thing()})})
    with pytest.raises(CloudFormationError, match="cannot be deleted while in status"):
        service.handle("DeleteStack", {"StackName": "s"})


def test_same_token_is_the_same_operation(service: CloudFormationService, world: World) -> None:
    request = {
        "StackName": "s",
        "TemplateBody": body({"A": thing()}),
        "ClientRequestToken": "once",
    }
    first = service.handle("CreateStack", request)

    assert service.handle("CreateStack", request) == first
    assert world.log == ["create A"]


def test_handlers_own_mistake_fails_the_resource_not_the_engine(
    service: CloudFormationService, world: World
) -> None:
    # The thing is used before it exists, which only an undeclared dependency can bring about.
    resources = {"A": {"Type": "Test::Thing", "Properties": {"Uses": ["nobody"]}}}

    assert deploy(service, resources) == "ROLLBACK_COMPLETE"
    assert "Internal failure in the resource handler: AssertionError" in reasons(service)


def test_events_never_share_a_millisecond(service: CloudFormationService, world: World) -> None:
    deploy(service, {"A": thing(), "B": thing()})
    events = service.handle("DescribeStackEvents", {"StackName": "s"})["StackEvents"][::-1]
    times = [event["Timestamp"].timestamp() for event in events]
    assert all(later - earlier > 0.0009 for earlier, later in itertools.pairwise(times))


def test_events_hide_properties_where_a_parameter_is_secret(
    service: CloudFormationService, world: World
) -> None:
    resources = {"A": {"Type": "Test::Thing", "Properties": {"Value": {"Ref": "Secret"}}}}
    request = {
        "StackName": "s",
        "TemplateBody": body(resources, Parameters={"Secret": {"Type": "String", "NoEcho": True}}),
        "Parameters": [{"ParameterKey": "Secret", "ParameterValue": "hush"}],
    }
    service.handle("CreateStack", request)
    service.join()

    assert next(iter(world.things.values()))["Value"] == "hush"
    everything = [
        service.handle("DescribeStackEvents", {"StackName": "s"}),
        service.handle("DescribeStacks", {"StackName": "s"}),
    ]
    assert "hush" not in repr(everything)
