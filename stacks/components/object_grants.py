"""Permissions on the objects under one prefix of one bucket.

It decides that a grant is one S3 action on one key pattern, listing included. CDK's own
`grant_read` and `grant_write` reach further: the whole bucket, its listing and its configuration.
"""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.checks.nag import acknowledge_wildcard

_REASON = "Users and jobs choose the keys while it runs; the prefix is all that is known of them."


def grant_get(bucket: s3.IBucket, pattern: str, *roles: iam.Role) -> None:
    """Let `roles` read, and ask about, the objects of `bucket` whose keys match `pattern`."""
    _grant(bucket, pattern, "s3:GetObject", roles)


def grant_put(bucket: s3.IBucket, pattern: str, *roles: iam.Role) -> None:
    """Let `roles` write the objects of `bucket` whose keys match `pattern`."""
    _grant(bucket, pattern, "s3:PutObject", roles)


def grant_list(bucket: s3.IBucket, pattern: str, *roles: iam.Role) -> None:
    """Let `roles` list the keys of `bucket` under prefixes that match `pattern`, no others.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """
    for role in roles:
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["s3:ListBucket"],
            resource_arns=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": pattern}},
        )


def _grant(bucket: s3.IBucket, pattern: str, action: str, roles: tuple[iam.Role, ...]) -> None:
    objects = bucket.arn_for_objects(pattern)
    for role in roles:
        iam.Grant.add_to_principal(grantee=role, actions=[action], resource_arns=[objects])
        acknowledge_wildcard(role.node.find_child("DefaultPolicy"), objects, reason=_REASON)
