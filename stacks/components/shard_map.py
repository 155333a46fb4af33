"""A Distributed Map over a JSON list in S3: one child execution for each item.

It decides that results go to S3 and not into the state (256 KB hold a few thousand of them), that
one lost item fails the map unless its stage tolerates some, that each failure is recorded
(recorded_invocation.py), and that reader and writer reach exactly the objects they are for. CDK's
own reader and writer ask for the whole bucket; the two subclasses below ask for a pattern of keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from settings.stage import MapChildren
from stacks.components.recorded_invocation import RecordedInvocation
from workloads.catalogue import JOBS_PREFIX

_CHILDREN = {
    MapChildren.STANDARD: sfn.StateMachineType.STANDARD,
    MapChildren.EXPRESS: sfn.StateMachineType.EXPRESS,
}


class _ListReader(sfn.S3JsonItemReader):
    def __init__(self, *, bucket: s3.IBucket, key: str, objects: str) -> None:
        super().__init__(bucket=bucket, key=sfn.JsonPath.string_at(key))
        self._objects = objects

    @jsii.member(jsii_name="providePolicyStatements")
    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return [iam.PolicyStatement(actions=["s3:GetObject"], resources=[self._objects])]


class _ResultWriter(sfn.ResultWriterV2):
    def __init__(self, *, bucket: s3.IBucket, prefix: str, objects: str) -> None:
        super().__init__(bucket=bucket, prefix=sfn.JsonPath.string_at(prefix))
        self._objects = objects

    @jsii.member(jsii_name="providePolicyStatements")
    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        actions = [
            "s3:PutObject",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        ]
        return [iam.PolicyStatement(actions=actions, resources=[self._objects])]


class ShardMap(sfn.DistributedMap):
    """Run `step` for each item of a list; the state's own input passes through unchanged."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        items: str,
        item_selector: Mapping[str, Any],
        step: RecordedInvocation,
        children: MapChildren,
        max_concurrency: int,
        tolerated_failure_percentage: float = 0,
    ) -> None:
        """Map over the list `items` of a job.

        The state's input has its key at `$.<items>.key`, which is `jobs/<id>/<items>.json`, and the
        prefix for the map's own record at `$.map_prefix`, which is `jobs/<id>/map`.
        """
        lists = bucket.arn_for_objects(f"{JOBS_PREFIX}*/{items}.json")
        records = bucket.arn_for_objects(f"{JOBS_PREFIX}*/map/*")
        super().__init__(
            scope,
            construct_id,
            label=construct_id,
            item_reader=_ListReader(bucket=bucket, key=f"$.{items}.key", objects=lists),
            item_selector=dict(item_selector),
            result_writer_v2=_ResultWriter(bucket=bucket, prefix="$.map_prefix", objects=records),
            result_path=sfn.JsonPath.DISCARD,
            map_execution_type=_CHILDREN[children],
            max_concurrency=max_concurrency,
            # Left out, none is tolerated:
            # https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html
            tolerated_failure_percentage=tolerated_failure_percentage or None,
        )
        self.item_processor(step.start)
        self.object_arns = (lists, records, step.objects)
