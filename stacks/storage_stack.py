"""Everything that outlives a deployment of code: the input bucket and the results bucket.

It composes; what a bucket is, is decided in components/private_bucket.py.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.private_bucket import PrivateBucket
from stacks.stage_stack import StageStack


class StorageStack(StageStack):
    """Input and results; in prod also the record of who read them."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageSettings) -> None:
        """Create the buckets that the other stacks of `stage` read and write."""
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            description="Inputs and results",
            stateful=True,
        )

        def private_bucket(
            name: str, expire_days: int | None, access_logs: s3.IBucket | None
        ) -> s3.IBucket:
            return PrivateBucket(
                self,
                name,
                retain=stage.retain_data,
                expire_after=Duration.days(expire_days) if expire_days else None,
                logs=self.logs,
                access_logs=access_logs,
            ).bucket

        access_logs = (
            private_bucket("AccessLogs", stage.log_retention_days, None)
            if stage.access_logs
            else None
        )
        self.inputs = private_bucket("InputBucket", stage.expire_objects_days, access_logs)
        self.results = private_bucket("ResultsBucket", stage.expire_objects_days, access_logs)

        CfnOutput(self, "InputBucketName", value=self.inputs.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=self.results.bucket_name)
