"""The real CDK CLI over a stack's life: what it says of failures, and the way out of each state.

States and what is possible in each:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-rollback.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.localcloud.cloudformation.assemblies import Assembly
from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.world import World, thing

Reach = Callable[[str], None]


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def stack_status(cloud: CloudUnderTest) -> str:
    cloud.service.join()
    stacks = cloud.cloudformation.describe_stacks()["Stacks"]
    return str(next((s["StackStatus"] for s in stacks if s["StackName"] == "s"), "absent"))


@pytest.fixture
def reach(things: CloudUnderTest, world: World) -> Reach:
    """Bring stack `s`, of one thing A, into a state; through boto3, which takes no second."""
    cloudformation = things.cloudformation

    def run(call: Callable[..., Any], body: dict[str, Any], **arguments: Any) -> None:
        call(StackName="s", TemplateBody=json.dumps(body), **arguments)
        things.service.join()

    one = template(A=thing(Value="1"))
    more = template(A=thing(Value="2"), B=thing("A"))

    def reach(state: str) -> None:
        if state == "REVIEW_IN_PROGRESS":
            things.change_set("s", one, ChangeSetType="CREATE")
        elif state in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
            world.failing = {"create B"} | ({"delete A"} if state == "ROLLBACK_FAILED" else set())
            run(cloudformation.create_stack, more, DisableRollback=state == "CREATE_FAILED")
        else:
            run(cloudformation.create_stack, one)
        if state in ("UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"):
            world.failing = {"create B"}
            world.failing_next = {"update A"} if state == "UPDATE_ROLLBACK_FAILED" else set()
            run(cloudformation.update_stack, more, DisableRollback=state == "UPDATE_FAILED")
        elif state == "DELETE_FAILED":
            world.failing = {"delete A"}
            things.delete("s")
        assert stack_status(things) == state
        assert not world.failing

    return reach


def test_failed_creation_is_a_failed_deploy_that_says_why_and_can_be_repeated(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    assembly.write({"s": template(A=thing(), B=thing("A"))})
    world.failing = {"create B"}

    failed = assembly.deploy()

    assert failed.code == 1, failed.said
    assert "asked to fail: create B" in failed.said
    assert "The following resource(s) failed to create: [B]. Rollback requested by user." in (
        failed.said
    )
    assert stack_status(things) == "ROLLBACK_COMPLETE"
    assert world.things == {}

    repeated = assembly.deploy()
    assert repeated.code == 0, repeated.said
    assert stack_status(things) == "CREATE_COMPLETE"


def test_failed_update_is_a_failed_deploy_that_says_why_and_changes_nothing(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    things.create("s", template(A=thing(Name="1", Value="1"), B=thing("A", Value="1")))
    before = world.state()
    assembly.write({"s": template(A=thing(Name="2", Value="2"), B=thing("A", Value="2"))})
    world.failing = {"update B"}

    failed = assembly.deploy()

    assert failed.code == 1, failed.said
    assert "asked to fail: update B" in failed.said
    assert "The following resource(s) failed to update: [B]." in failed.said
    assert stack_status(things) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == before

    repeated = assembly.deploy()
    assert repeated.code == 0, repeated.said
    assert sorted(thing["Value"] for thing in world.things.values()) == ["2", "2"]


def test_replaced_and_removed_things_go_unless_they_are_retained(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    retained = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    things.create(
        "s",
        template(
            A=thing(Name="1"),
            K=thing(Name="1", policies=retained),
            Removed=thing(Name="gone"),
            Kept=thing(Name="kept", policies=retained),
        ),
    )
    assembly.write({"s": template(A=thing(Name="2"), K=thing(Name="2", policies=retained))})

    deployed = assembly.deploy()
    assert deployed.code == 0, deployed.said
    left = sorted((i.partition("#")[0], t["Name"]) for i, t in world.things.items())
    assert left == [("A", "2"), ("K", "1"), ("K", "2"), ("Kept", "kept")]

    destroyed = assembly.destroy()
    assert destroyed.code == 0, destroyed.said
    left = sorted((i.partition("#")[0], t["Name"]) for i, t in world.things.items())
    assert left == [("K", "1"), ("K", "2"), ("Kept", "kept")]


@pytest.mark.parametrize(
    "state",
    [
        "REVIEW_IN_PROGRESS",
        "CREATE_FAILED",
        "ROLLBACK_FAILED",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
        "DELETE_FAILED",
    ],
)
def test_destroy_leaves_nothing_whatever_state_the_stack_was_in(
    things: CloudUnderTest, world: World, assembly: Assembly, reach: Reach, state: str
) -> None:
    assembly.write({"s": template(A=thing(Value="9"))})
    reach(state)

    destroyed = assembly.destroy()

    assert destroyed.code == 0, destroyed.said
    assert stack_status(things) == "absent"
    assert world.things == {}


def test_failed_destroy_says_why_and_can_be_repeated(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    assembly.write({"s": template(A=thing())})
    things.create("s", template(A=thing()))
    world.failing = {"delete A"}

    failed = assembly.destroy()

    assert failed.code == 1, failed.said
    assert "asked to fail: delete A" in failed.said
    assert stack_status(things) == "DELETE_FAILED"
    # Such a stack can only be deleted: a deployment to it is refused.
    refused = assembly.deploy()
    assert refused.code == 1, refused.said
    assert "is in DELETE_FAILED state and can not be updated" in refused.said


@pytest.mark.parametrize(
    ("state", "arguments"),
    [
        ("REVIEW_IN_PROGRESS", ()),
        ("ROLLBACK_COMPLETE", ()),
        ("ROLLBACK_FAILED", ()),
        ("CREATE_FAILED", ("--no-rollback",)),
        ("UPDATE_FAILED", ("--no-rollback",)),
    ],
)
def test_stack_is_deployed_again_under_its_name(
    things: CloudUnderTest,
    world: World,
    assembly: Assembly,
    reach: Reach,
    state: str,
    arguments: tuple[str, ...],
) -> None:
    assembly.write({"s": template(A=thing(Value="9"))})
    reach(state)

    deployed = assembly.deploy("s", *arguments)

    assert deployed.code == 0, deployed.said
    assert stack_status(things) in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert list(world.things.values()) == [{"Value": "9"}]


@pytest.mark.parametrize("state", ["CREATE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_paused_stack_is_rolled_back_by_the_cli(
    things: CloudUnderTest, world: World, assembly: Assembly, reach: Reach, state: str
) -> None:
    assembly.write({"s": template(A=thing(Value="9"))})
    reach(state)

    rolled_back = assembly.cdk("rollback", "s")

    assert rolled_back.code == 0, rolled_back.said
    if state == "CREATE_FAILED":
        assert (stack_status(things), world.things) == ("ROLLBACK_COMPLETE", {})
    else:
        assert stack_status(things) == "UPDATE_ROLLBACK_COMPLETE"
        assert list(world.things.values()) == [{"Value": "1"}]


def test_paused_stack_is_not_deployed_with_rollback(
    assembly: Assembly, reach: Reach, things: CloudUnderTest
) -> None:
    assembly.write({"s": template(A=thing(Value="9"))})
    reach("UPDATE_ROLLBACK_FAILED")

    refused = assembly.deploy()

    assert refused.code == 1, refused.said
    assert "UPDATE_ROLLBACK_FAILED" in refused.said
    assert stack_status(things) == "UPDATE_ROLLBACK_FAILED"


def test_failed_rollback_says_why_and_can_let_go_of_what_fails(
    things: CloudUnderTest, world: World, assembly: Assembly, reach: Reach
) -> None:
    assembly.write({"s": template(A=thing(Value="9"))})
    reach("UPDATE_ROLLBACK_FAILED")

    world.failing = {"update A"}
    failed = assembly.cdk("rollback", "s")
    assert failed.code == 1, failed.said
    assert "asked to fail: update A" in failed.said
    assert stack_status(things) == "UPDATE_ROLLBACK_FAILED"

    world.failing = {"update A"}
    orphaned = assembly.cdk("rollback", "s", "--orphan", "A")
    assert orphaned.code == 0, orphaned.said
    assert stack_status(things) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.failing, "A must not be touched"


def test_deploy_without_rollback_goes_on_beside_a_failure(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html"""
    resources = {"A": thing(), "Apart": thing(), "After": thing("A")}
    assembly.write({"s": template(**resources)})
    world.failing = {"create A"}

    failed = assembly.deploy("s", "--no-rollback")

    assert failed.code == 1, failed.said
    assert stack_status(things) == "CREATE_FAILED"
    assert [i.partition("#")[0] for i in world.things] == ["Apart"]
    went_on = assembly.deploy("s", "--no-rollback")
    assert went_on.code == 0, went_on.said
    assert sorted(i.partition("#")[0] for i in world.things) == ["A", "After", "Apart"]
