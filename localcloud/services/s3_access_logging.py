"""Lets a bucket's server access logging be set before the log bucket's policy exists.

moto demands the policy first. S3 checks only that the target bucket exists, and CDK relies on that:
its templates make no bucket wait for the policy of its log bucket. Logs are then delivered whatever
the policy says; S3 would drop them.
"""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeBucket

from localcloud.services.patches import Patch, method


def access_logging_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            FakeBucket,
            "_log_permissions_enabled_policy",
            method(_always_permitted),
            "PutBucketLogging fails while the target bucket has no policy yet",
        )
    ]


def _always_permitted(bucket: Any, target_bucket: Any, target_prefix: str | None) -> bool:
    return True
