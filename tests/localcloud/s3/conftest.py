from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One for a module, whose tests work in buckets of their own."""
    with Cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def s3(cloud: Cloud) -> Any:
    return cloud.context.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"data-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def refused() -> Callable[..., tuple[str, int]]:
    """Code and status of a call that must fail."""

    def call(operation: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as raised:
            operation(**arguments)
        answer = raised.value.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    return call
