"""ARNs from what callers give instead: names, partial ARNs, paths.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

from localcloud.iam.call import Account

Parameters = Mapping[str, Any]


def as_given(account: Account, value: Any, parameters: Parameters) -> str:
    """The parameter is the ARN."""
    return str(value)


def function(account: Account, value: Any, parameters: Parameters) -> str:
    """A function by its name, partial or full ARN, with the qualifier it is called by, if any.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    """
    text = str(value)
    if text.startswith("arn:"):
        parts = text.split(":")[6:]
    else:
        parts = text.rpartition("function:")[2].split(":")
    qualifier = parameters.get("Qualifier")
    if qualifier and len(parts) == 1:
        parts = [*parts, str(qualifier)]
    return account.arn("lambda", ":".join(("function", *parts)))


def log_stream(account: Account, value: Any, parameters: Parameters) -> str:
    """A log stream, or a group, whose ARN here ends in `log-stream:`."""
    group = str(value).rpartition(":log-group:")[2].removesuffix(":*")
    stream = parameters.get("logStreamName", "")
    return account.arn("logs", f"log-group:{group}:log-stream:{stream}")


def repository(account: Account, value: Any, parameters: Parameters) -> str:
    """An ECR repository by its name."""
    return account.arn("ecr", f"repository/{value}")


def queue(account: Account, value: Any, parameters: Parameters) -> str:
    """An SQS queue by its URL, which ends in its account and name."""
    number, _, name = str(value).rpartition("/")
    return f"arn:{account.partition}:sqs:{account.region}:{number.rpartition('/')[2]}:{name}"


def event_bus(account: Account, value: Any, parameters: Parameters) -> str:
    """The bus of one entry of PutEvents."""
    name = str(value.get("EventBusName", "default"))
    return name if name.startswith("arn:") else account.arn("events", f"event-bus/{name}")


def parameter(account: Account, value: Any, parameters: Parameters) -> str:
    """An SSM parameter by its name or ARN; a leading slash is not doubled."""
    text = str(value)
    return text if text.startswith("arn:") else account.arn("ssm", f"parameter/{text.lstrip('/')}")


def role(account: Account, value: Any, parameters: Parameters) -> str:
    """A role by its name: its ARN has the path it was, or is being, created with."""
    backend: Any = iam_backends[account.number][account.partition]
    for one in list(backend.roles.values()):
        if one.name == value:
            return str(one.arn)
    return f"arn:{account.partition}:iam::{account.number}:role{_path(parameters)}{value}"


def instance_profile(account: Account, value: Any, parameters: Parameters) -> str:
    """An instance profile by its name, with the path it was, or is being, created with."""
    backend: Any = iam_backends[account.number][account.partition]
    for one in list(backend.instance_profiles.values()):
        if one.name == value:
            return str(one.arn)
    path = _path(parameters)
    return f"arn:{account.partition}:iam::{account.number}:instance-profile{path}{value}"


def user(account: Account, value: Any, parameters: Parameters) -> str:
    """A user by its name, with the path it was, or is being, created with."""
    backend: Any = iam_backends[account.number][account.partition]
    known = backend.users.get(value)
    if known is not None:
        return str(known.arn)
    return f"arn:{account.partition}:iam::{account.number}:user{_path(parameters)}{value}"


def stack(account: Account, value: Any, parameters: Parameters) -> str:
    """A stack by its name or ARN. A policy's stack/<name>/* means the name, whatever the id."""
    text = str(value)
    return text if text.startswith("arn:") else account.arn("cloudformation", f"stack/{text}/*")


def alarm(account: Account, value: Any, parameters: Parameters) -> str:
    """A CloudWatch alarm by its name."""
    return account.arn("cloudwatch", f"alarm:{value}")


def dashboard(account: Account, value: Any, parameters: Parameters) -> str:
    """A CloudWatch dashboard by its name; dashboards belong to no region."""
    return f"arn:{account.partition}:cloudwatch::{account.number}:dashboard/{value}"


def budget(account: Account, value: Any, parameters: Parameters) -> str:
    """A budget by its name, or by what it shall be; budgets belong to no region."""
    name = value["BudgetName"] if isinstance(value, dict) else value
    return f"arn:{account.partition}:budgets::{account.number}:budget/{name}"


def key_alias(account: Account, value: Any, parameters: Parameters) -> str:
    """The alias of a KMS key, whose name begins with `alias/`."""
    return account.arn("kms", str(value))


def key(account: Account, value: Any, parameters: Parameters) -> str:
    """A KMS key by its id, ARN or alias."""
    text = str(value)
    if text.startswith("arn:") and ":key/" in text:
        return text
    backend: Any = kms_backends[account.number][account.region]
    return account.arn("kms", f"key/{backend.any_id_to_key_id(text)}")


def _path(parameters: Parameters) -> str:
    return str(parameters.get("Path", "/"))
