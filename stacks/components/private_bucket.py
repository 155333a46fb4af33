"""A bucket that nobody outside the account sees.

It decides what is the same for every bucket: public access blocked, TLS required, encryption at
rest, no ACLs, unfinished uploads removed, and one boolean for the fate of the data. It decides
nothing about who may read or write: that is granted where both parties meet.
"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.checks.nag import acknowledge
from stacks.components.auto_delete import declare_auto_delete_logs
from stacks.components.log_keeping import LogKeeping

_ABANDONED_UPLOAD = Duration.days(1)
_OLD_VERSION = Duration.days(30)


class PrivateBucket(Construct):
    """One private bucket; `bucket` is what others are granted."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retain: bool,
        expire_days: int | None,
        logs: LogKeeping,
        access_logs: s3.IBucket | None = None,
        holds_access_logs: bool = False,
    ) -> None:
        """Keep the data on destroy and its old versions for a month (`retain`), or nothing.

        Who reads it is recorded in `access_logs`; the bucket that `holds_access_logs` has no such
        record of itself.
        """
        super().__init__(scope, construct_id)
        # The id `Default` adds nothing to the logical ID, which must never change: a new logical
        # ID is a new bucket, and the old one goes with its data.
        self.bucket = s3.Bucket(
            self,
            "Default",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=retain,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=_ABANDONED_UPLOAD,
                    expiration=Duration.days(expire_days) if expire_days else None,
                    noncurrent_version_expiration=_OLD_VERSION if retain else None,
                )
            ],
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id}/" if access_logs else None,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
            auto_delete_objects=not retain,
        )
        if retain and self.bucket.policy:
            # A bucket that is kept keeps its TLS rule, too.
            self.bucket.policy.apply_removal_policy(RemovalPolicy.RETAIN)
        if not retain:
            declare_auto_delete_logs(self, logs=logs)
        if access_logs is None and not holds_access_logs:
            reason = "access_logs is off in the settings of this stage: nobody audits who read it."
            acknowledge(self.bucket, "AwsSolutions-S1", reason=reason)
