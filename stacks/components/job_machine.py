"""A state machine that runs jobs.

It decides that every transition is logged without the data it carries, that a job ends in bounded
time, and how its role is accounted for: CDK grants a Distributed Map what it needs on executions of
this machine, and log delivery what it needs on everything.
"""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks.nag import acknowledge, acknowledge_unbounded, acknowledge_wildcard
from stacks.checks.unbounded import LOG_DELIVERY, SAMPLE_TRACES, SEND_TRACES
from stacks.components.log_keeping import LogKeeping
from stacks.components.shard_map import ShardMap


class JobMachine(sfn.StateMachine):
    """A Standard workflow: it runs for hours, each step exactly once."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        definition: sfn.IChainable,
        maps: tuple[ShardMap, ...],
        timeout: Duration,
        logs: LogKeeping,
        tracing: bool,
    ) -> None:
        """Run `definition`, in which `maps` are the Distributed Maps."""
        super().__init__(
            scope,
            construct_id,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_chainable(definition),
            timeout=timeout,
            logs=sfn.LogOptions(
                destination=logs.group(scope, f"{construct_id}Logs"),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
            tracing_enabled=tracing,
        )
        self._account_for_wildcards(maps)
        policy = self.role.node.find_child("DefaultPolicy")
        if tracing:
            acknowledge_unbounded(policy, LOG_DELIVERY, SEND_TRACES, SAMPLE_TRACES)
        else:
            acknowledge_unbounded(policy, LOG_DELIVERY)
            reason = "A trace is billed by the request; this stage reads the execution history."
            acknowledge(self, "AwsSolutions-SF2", reason=reason)

    def _account_for_wildcards(self, maps: tuple[ShardMap, ...]) -> None:
        role_policy = self.role.node.find_child("DefaultPolicy")
        for objects in sorted({arn for each in maps for arn in each.object_arns}):
            acknowledge_wildcard(
                role_policy, objects, reason="The lists and records of every job, and nothing else."
            )

        stack = Stack.of(self)
        name = stack.split_arn(self.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
        map_policy = self.node.find_child("DistributedMapPolicy")
        for suffix in (":*", *(f"/{each.node.id}:*" for each in maps)):
            executions = stack.format_arn(
                service="states",
                resource="execution",
                resource_name=f"{name}{suffix}",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            acknowledge_wildcard(
                map_policy, executions, reason="The map's own child executions, named at run time."
            )
