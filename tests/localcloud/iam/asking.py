"""Clients of these tests, and what they are answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of a call that is refused."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    answer: Any = raised.value.response
    error = answer["Error"]
    return error["Code"], error.get("Message", ""), answer["ResponseMetadata"]["HTTPStatusCode"]


def objects(bucket: str, pattern: str = "*") -> str:
    return f"arn:aws:s3:::{bucket}/{pattern}"


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
