"""Names and ARNs of Batch's resources, and how a caller's name or ARN finds one.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from localcloud.batch.errors import client_exception
from localcloud.context import CloudContext

# https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")

Resource = TypeVar("Resource")


def checked_name(field: str, name: str) -> str:
    """`name` as it is; raises Refused if it is none."""
    if not _NAME.fullmatch(name):
        raise client_exception(
            f"{field}: {name!r}; allowed: up to 128 letters, numbers, hyphens and underscores, "
            "the first a letter or number"
        )
    return name


def arn(context: CloudContext, kind: str, name: str) -> str:
    """The ARN of a resource of Batch."""
    return f"arn:aws:batch:{context.region}:{context.account}:{kind}/{name}"


def short_name(kind: str, name_or_arn: str) -> str:
    """The name in an ARN of that kind; anything else is taken for a name."""
    return name_or_arn.rpartition(f":{kind}/")[2] if name_or_arn.startswith("arn:") else name_or_arn


def found(resources: Mapping[str, Resource], kind: str, name_or_arn: str) -> Resource:
    """The resource of that name or ARN; raises Refused if there is none."""
    resource = resources.get(short_name(kind, name_or_arn))
    if resource is None:
        raise client_exception(f"{kind} {name_or_arn} does not exist")
    return resource
