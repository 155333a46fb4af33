"""A service that may act as a role of ours, and only for resources of this account.

It decides how a trust policy keeps a service from being somebody else's deputy: the service says
for which account and which resource it asks, where it is known to say so. Lambda and EC2 are not:
a role reaches them by iam:PassRole, which never crosses accounts.
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


def service_here(service: str, *, source: str) -> iam.ServicePrincipal:
    """`service` where it acts for `source`, the rest of an ARN of this account and region."""
    return iam.ServicePrincipal(
        f"{service}.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {
                "aws:SourceArn": f"arn:{Aws.PARTITION}:{source.partition(':')[0]}:{Aws.REGION}:"
                f"{Aws.ACCOUNT_ID}:{source.partition(':')[2]}"
            },
        },
    )
