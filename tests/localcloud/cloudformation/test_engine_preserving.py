"""Failures that preserve what succeeded (DisableRollback), and what the stack says of them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

import pytest

from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.errors import CloudFormationError
from tests.localcloud.cloudformation.world import World, delete, deploy, status, thing


def stack_reason(service: CloudFormationService) -> str:
    stack = service.handle("DescribeStacks", {"StackName": "s"})["Stacks"][0]
    return str(stack["StackStatusReason"])


def resource_statuses(service: CloudFormationService) -> dict[str, str]:
    listed = service.handle("ListStackResources", {"StackName": "s"})["StackResourceSummaries"]
    return {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed}


def test_failed_resource_goes_back_to_its_last_stable_state_and_the_others_stay(
    service: CloudFormationService, world: World
) -> None:
    """ "Failed resources will be in an UPDATE_FAILED state." """
    deploy(service, {"A": thing(Value="1", Labels={"k": "1"}), "B": thing(Value="1")})
    world.failing = {"update A"}

    changed = {"A": thing(Value="2", Labels={"l": "2"}), "B": thing(Value="2")}
    assert deploy(service, changed, DisableRollback=True) == "UPDATE_FAILED"

    assert world.things["A#1"] == {"Value": "1", "Labels": {"k": "1"}}
    assert world.things["B#2"] == {"Value": "2"}
    assert resource_statuses(service) == {"A": "UPDATE_FAILED", "B": "UPDATE_COMPLETE"}
    assert deploy(service, changed, DisableRollback=True) == "UPDATE_COMPLETE"
    assert world.things["A#1"] == {"Value": "2", "Labels": {"l": "2"}}


@pytest.mark.parametrize("end", ["continued", "rolled back"])
def test_failed_resource_that_cannot_go_back_is_mended_by_the_next_operation(
    service: CloudFormationService, world: World, end: str
) -> None:
    deploy(service, {"A": thing(Labels={"k": "1"})})
    for label in ("l", "m"):
        # Both the update and the attempt to take it back fail with old and new labels set.
        world.failing, world.failing_next = {"update A half-way"}, {"update A half-way"}
        deploy(service, {"A": thing(Labels={label: "2"})}, DisableRollback=True)
    assert world.things["A#1"] == {"Labels": {"k": "1", "l": "2", "m": "2"}}

    if end == "continued":
        deploy(service, {"A": thing(Labels={"n": "3"})}, DisableRollback=True)
        assert world.things["A#1"] == {"Labels": {"n": "3"}}
    else:
        service.handle("RollbackStack", {"StackName": "s"})
        service.join()
        assert world.things["A#1"] == {"Labels": {"k": "1"}}


def test_every_failure_is_named_by_what_was_being_done(
    service: CloudFormationService, world: World
) -> None:
    """https://github.com/serverless/serverless/issues/1745 quotes such a reason of an update."""
    deploy(service, {"A": thing(Value="1"), "B": thing(Value="1")})
    world.failing = {"update A", "update B", "create C"}

    changed = {"A": thing(Value="2"), "B": thing(Value="2"), "C": thing()}
    deploy(service, changed, DisableRollback=True)

    assert stack_reason(service) == (
        "The following resource(s) failed to create: [C]. "
        "The following resource(s) failed to update: [A, B]. "
    )


def test_reason_of_a_rolled_back_creation_names_the_rollback(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create A"}
    deploy(service, {"A": thing()})
    events = service.handle("DescribeStackEvents", {"StackName": "s"})["StackEvents"]
    (reason,) = [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"] == "ROLLBACK_IN_PROGRESS"
    ]
    wanted = "The following resource(s) failed to create: [A]. Rollback requested by user."
    assert reason == wanted


def test_dependents_of_a_failure_are_not_begun(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create A"}
    resources = {"A": thing(), "B": thing("A"), "C": thing("B"), "Apart": thing()}

    assert deploy(service, resources, DisableRollback=True) == "CREATE_FAILED"

    assert resource_statuses(service) == {"A": "CREATE_FAILED", "Apart": "CREATE_COMPLETE"}
    assert stack_reason(service) == "The following resource(s) failed to create: [A]. "
    assert delete(service) == "DELETE_COMPLETE"
    assert world.things == {}


def test_nothing_more_is_begun_after_a_failure_that_is_rolled_back(
    service: CloudFormationService, world: World
) -> None:
    world.failing = {"create A"}

    assert deploy(service, {"A": thing(), "Apart": thing()}) == "ROLLBACK_COMPLETE"

    assert world.log == []


def test_only_what_a_rollback_could_not_restore_can_be_skipped(
    service: CloudFormationService, world: World
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html"""
    deploy(service, {"A": thing(Value="1"), "B": thing()})
    world.failing, world.failing_next = {"create C"}, {"update A"}
    assert deploy(service, {"A": thing(Value="2"), "B": thing(), "C": thing("A")}) == (
        "UPDATE_ROLLBACK_FAILED"
    )

    for wrong in ("B", "Nobody"):
        with pytest.raises(CloudFormationError, match=rf"\[{wrong}\].*UPDATE_FAILED"):
            service.handle(
                "ContinueUpdateRollback", {"StackName": "s", "ResourcesToSkip": ["A", wrong]}
            )
    assert status(service) == "UPDATE_ROLLBACK_FAILED"


def test_undoing_several_failed_updates_does_not_stop_over_at_states_that_failed(
    service: CloudFormationService, world: World
) -> None:
    deploy(service, {"A": thing(Value="1")})
    for value, failing in (("2", "create C"), ("3", "create C"), ("4", "create C")):
        world.failing = {failing}
        resources = {"A": thing(Value=value), "C": thing("A")}
        assert deploy(service, resources, DisableRollback=True) == "UPDATE_FAILED"
    world.log.clear()

    service.handle("RollbackStack", {"StackName": "s"})
    service.join()

    assert world.log == ["update A"]
    assert world.things["A#1"] == {"Value": "1"}
