"""The workload as a state machine: plan -> map(classify) -> map(reduce groups) -> report.

It composes the states and their payloads; how a map reads, writes and fails is decided in
components/shard_map.py, what is retried in components/invocation.py, what is recorded of a failure
in components/recorded_invocation.py.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.invocation import Invocation
from stacks.components.job_machine import JobMachine
from stacks.components.recorded_invocation import RecordedInvocation
from stacks.components.shard_map import ShardMap
from stacks.stage_stack import StageStack


class WorkflowStack(StageStack):
    """One state machine; its input is the body of `POST /jobs`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        results: s3.IBucket,
        plan: lambda_.Alias,
        classify: lambda_.Alias,
        reduce: lambda_.Alias,
    ) -> None:
        """Chain the functions over the lists that `plan` writes to `results`."""
        super().__init__(scope, construct_id, stage=stage, description="Fan-out of the workload")

        path = sfn.JsonPath
        job = {"job_id": path.string_at("$.job_id"), "input": path.object_at("$.input")}
        tolerated = {"tolerated_failure_percentage": stage.tolerated_failure_percentage}
        item = path.object_at("$$.Map.Item.Value")

        shards = ShardMap(
            self,
            "ClassifyShards",
            bucket=results,
            items="shards",
            item_selector={**job, "shard": item},
            step=RecordedInvocation(
                self,
                "ClassifyShard",
                live=classify,
                payload={**job, "shard": path.object_at("$.shard")},
                bucket=results,
                item="shard",
            ),
            children=stage.map_children,
            max_concurrency=stage.map_concurrency,
            tolerated_failure_percentage=stage.tolerated_failure_percentage,
        )
        groups = ShardMap(
            self,
            "ReduceGroups",
            bucket=results,
            items="groups",
            item_selector={**job, "group": item},
            step=RecordedInvocation(
                self,
                "ReduceGroup",
                live=reduce,
                payload={
                    "level": "group",
                    **job,
                    "group": path.object_at("$.group"),
                    **tolerated,
                },
                bucket=results,
                item="group",
            ),
            children=stage.map_children,
            max_concurrency=stage.reduce_concurrency,
        )
        report = Invocation(
            self,
            "Report",
            live=reduce,
            payload={
                "level": "job",
                **job,
                "images": path.number_at("$.images"),
                "shards": path.object_at("$.shards"),
                "groups": path.object_at("$.groups"),
                **tolerated,
            },
        )
        self.machine = JobMachine(
            self,
            "Classify",
            definition=Invocation(self, "Plan", live=plan).next(shards).next(groups).next(report),
            maps=(shards, groups),
            timeout=Duration.seconds(stage.job_timeout_s),
            logs=self.logs,
            tracing=stage.tracing,
        )
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine_arn)
