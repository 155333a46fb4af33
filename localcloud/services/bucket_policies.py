"""Bucket policies are decided before a request reaches S3, for every kind of caller alike.

moto knows no condition operator but StringEquals and takes a condition that it cannot judge as one
that holds, so that a policy that denies requests without TLS denies every request; and what an ACL
grants to strangers it lets pass.
"""

from __future__ import annotations

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from localcloud.services.patches import Patch


def already_decided(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """FakeBucket.get_permission: a request that is here was allowed by localcloud/iam."""
    return PermissionResult.PERMITTED


def bucket_policy_patches() -> list[Patch]:
    """moto's own look at bucket policies, taken away."""
    return [
        Patch(
            FakeBucket,
            "get_permission",
            already_decided,
            "a condition it does not know counts as met: TLS-only policies deny everything",
        )
    ]
