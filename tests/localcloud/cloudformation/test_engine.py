"""The engine on things in memory: order, replacement, retained and refused things."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import CloudFormationError
from localcloud.context import CloudContext
from tests.localcloud.cloudformation.world import (
    Thing,
    World,
    body,
    delete,
    deploy,
    reasons,
    status,
    thing,
)


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


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_retained_resource_survives_stack_and_removal(
    service: CloudFormationService, world: World, policy: str
) -> None:
    kept = thing(policies={"DeletionPolicy": policy})
    deploy(service, {"A": kept, "B": kept, "C": thing()})

    deploy(service, {"A": kept, "C": thing(Value="2")})
    assert delete(service) == "DELETE_COMPLETE"

    assert sorted(i.partition("#")[0] for i in world.things) == ["A", "B"]


def test_update_replace_policy_retains_the_predecessor(
    service: CloudFormationService, world: World
) -> None:
    policies = {"UpdateReplacePolicy": "Retain"}
    deploy(service, {"A": thing(Name="1", policies=policies)})

    deploy(service, {"A": thing(Name="2", policies=policies)})

    assert sorted(t["Name"] for t in world.things.values()) == ["1", "2"]


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


def test_two_stacks_are_deployed_at_once(service: CloudFormationService, world: World) -> None:
    world.gate = threading.Event()
    for name in ("s", "t"):
        service.handle("CreateStack", {"StackName": name, "TemplateBody": body({"A": thing()})})
    assert [status(service, name) for name in ("s", "t")] == ["CREATE_IN_PROGRESS"] * 2

    world.gate.set()
    service.join()

    assert [status(service, name) for name in ("s", "t")] == ["CREATE_COMPLETE"] * 2
    assert len(world.things) == 2


def test_short_operation_has_ended_when_the_call_returns(
    context: CloudContext, world: World
) -> None:
    lingering = CloudFormationService(context, {"Test::Thing": Thing(context, world)}, linger_s=10)
    lingering.handle("CreateStack", {"StackName": "s", "TemplateBody": body({"A": thing()})})
    assert status(lingering) == "CREATE_COMPLETE"


def test_same_token_is_the_same_operation(service: CloudFormationService, world: World) -> None:
    request = {
        "StackName": "s",
        "TemplateBody": body({"A": thing()}),
        "ClientRequestToken": "once",
    }
    first = service.handle("CreateStack", request)

    assert service.handle("CreateStack", request) == first
    service.join()
    assert world.log == ["create A"]


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
