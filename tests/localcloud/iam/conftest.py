from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.cloud import Cloud
from tests.localcloud.iam.policies import document, trust


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    cloud.context.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def make_role(cloud: Cloud) -> Callable[..., str]:
    """`make_role(*statements, trusting=<trust policy>)`: a role's ARN."""

    def make(*statements: dict[str, Any], trusting: str = "") -> str:
        iam = cloud.context.client("iam")
        name = f"role-{uuid.uuid4().hex[:8]}"
        trusting = trusting or trust(AWS=cloud.context.account)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=document(*statements)
            )
        return str(role["Arn"])

    return make


@pytest.fixture
def session_of(cloud: Cloud) -> Callable[..., Callable[[str], Any]]:
    """`session_of(role_arn)(service)`: a client with credentials of a session of that role."""

    def assume(role_arn: str, **parameters: Any) -> Callable[[str], Any]:
        credentials = cloud.context.client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName="tester", **parameters
        )["Credentials"]
        return clients(
            cloud,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    return assume


def clients(cloud: Cloud, **credentials: str) -> Callable[[str], Any]:
    config = Config(
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
        signature_version="v4",
    )

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=cloud.context.endpoint,
            region_name=cloud.context.region,
            config=config,
            **credentials,
        )

    return client
