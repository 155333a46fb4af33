"""Everything that outlives a deployment of code: the input bucket and the results bucket.

It composes; what a bucket is, is decided in components/private_bucket.py.
"""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_s3 as s3
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.private_bucket import PrivateBucket
from stacks.stage_stack import StageStack

_AUDIT = "AccessLogs"


class StorageStack(StageStack):
    """Input and results; in prod also the record of who read them."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageSettings) -> None:
        """Create the buckets that the other stacks of `stage` read and write."""
        super().__init__(
            scope, construct_id, stage=stage, description="Inputs and results", stateful=True
        )

        def bucket(name: str, *, expire_days: int | None, audit: s3.IBucket | None) -> s3.IBucket:
            return PrivateBucket(
                self,
                name,
                retain=stage.retain_data,
                expire_days=expire_days,
                logs=self.logs,
                access_logs=audit,
                holds_access_logs=name == _AUDIT,
            ).bucket

        audit = None
        if stage.access_logs:
            audit = bucket(_AUDIT, expire_days=stage.log_retention_days, audit=None)
        self.inputs = bucket("InputBucket", expire_days=stage.expire_objects_days, audit=audit)
        self.results = bucket("ResultsBucket", expire_days=stage.expire_objects_days, audit=audit)

        CfnOutput(self, "InputBucketName", value=self.inputs.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=self.results.bucket_name)
