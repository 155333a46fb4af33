"""What components refuse, and what they decide where no stage shows it."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_s3 as s3

from settings.limits import LOG_RETENTION_DAYS
from stacks.components.auto_delete import declare_auto_delete_logs
from stacks.components.log_keeping import LogKeeping
from stacks.components.private_bucket import PrivateBucket

WEEK = LogKeeping(days=7, retain=False)


@pytest.fixture
def stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(), "Test")


@pytest.mark.parametrize("days", LOG_RETENTION_DAYS)
def test_every_allowed_retention_is_rendered_as_it_is(stack: cdk.Stack, days: int) -> None:
    LogKeeping(days=days, retain=False).group(stack, "Logs")
    template = assertions.Template.from_stack(stack)
    template.has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": days})


def test_auto_delete_logs_want_a_bucket_that_deletes(stack: cdk.Stack) -> None:
    s3.Bucket(stack, "Kept")
    with pytest.raises(LookupError, match="no bucket here"):
        declare_auto_delete_logs(stack, logs=WEEK)


def test_auto_delete_logs_are_declared_once_for_many_buckets(stack: cdk.Stack) -> None:
    for name in ("First", "Second"):
        PrivateBucket(stack, name, retain=False, expire_days=None, logs=WEEK)
    template = assertions.Template.from_stack(stack)
    template.resource_count_is("AWS::S3::Bucket", 2)
    template.resource_count_is("AWS::Logs::LogGroup", 1)


def test_bucket_in_a_component_has_the_logical_id_it_would_have_without() -> None:
    bare, wrapped = cdk.Stack(cdk.App(), "Test"), cdk.Stack(cdk.App(), "Test")
    s3.Bucket(bare, "Inputs")
    PrivateBucket(wrapped, "Inputs", retain=True, expire_days=None, logs=WEEK)

    def logical_ids(stack: cdk.Stack) -> set[str]:
        return set(assertions.Template.from_stack(stack).find_resources("AWS::S3::Bucket"))

    assert logical_ids(wrapped) == logical_ids(bare)
