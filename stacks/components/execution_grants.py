"""Permissions to start the executions of one state machine, to look at them and to redrive them.

It decides which actions that takes and on which ARNs: the machine itself, its executions, its map
runs and their children, whose ARNs go by their type. None of them stops an execution. A redriven
execution redrives its map runs with the machine's own role.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from settings.stage import MapChildren
from stacks.checks.nag import acknowledge_wildcard

_CHILD = {MapChildren.STANDARD: "execution", MapChildren.EXPRESS: "express"}
_REASON = "Executions and map runs are named when they start; the machine's own name bounds them."


def grant_start(machine: sfn.StateMachine, role: iam.Role) -> None:
    """Let `role` start executions of `machine`."""
    machine.grant_start_execution(role)


def grant_describe(machine: sfn.StateMachine, role: iam.Role, *, children: MapChildren) -> None:
    """Let `role` read the state, the result and the progress of the executions of `machine`.

    With its map runs, and what became of each of their `children`.
    """
    _grant(machine, role, "execution", ":*", ["states:DescribeExecution", "states:ListMapRuns"])
    _grant(machine, role, "mapRun", "/*", ["states:DescribeMapRun", "states:ListExecutions"])
    _grant(machine, role, _CHILD[children], "/*", ["states:DescribeExecution"])


def grant_redrive(machine: sfn.StateMachine, role: iam.Role) -> None:
    """Let `role` restart executions of `machine` from where they failed."""
    _grant(machine, role, "execution", ":*", ["states:RedriveExecution"])


def _grant(
    machine: sfn.StateMachine, role: iam.Role, resource: str, suffix: str, actions: list[str]
) -> None:
    arn = Stack.of(role).format_arn(
        service="states",
        resource=resource,
        resource_name=f"{machine.state_machine_name}{suffix}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    iam.Grant.add_to_principal(grantee=role, actions=actions, resource_arns=[arn])
    acknowledge_wildcard(role.node.find_child("DefaultPolicy"), arn, reason=_REASON)
