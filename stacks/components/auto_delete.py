"""CDK's bucket-emptying function, made to leave nothing behind.

`auto_delete_objects` brings a Lambda function that has no log group of its own and may create one:
that group has no retention and survives the stack. This module gives the function a declared log
group and, in place of the managed policy, permission to write to that group alone: without
logs:CreateLogGroup a late log line cannot bring the deleted group back.
"""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnResource, Stack
from constructs import Construct

from stacks.components.log_keeping import LogKeeping

# https://github.com/aws/aws-cdk/blob/v2.275.0/packages/aws-cdk-lib/aws-s3/lib/bucket.ts
_PROVIDER = "Custom::S3AutoDeleteObjectsCustomResourceProvider"
_LOGS = "AutoDeleteLogs"


def declare_auto_delete_logs(scope: Construct, *, logs: LogKeeping) -> None:
    """Give the provider in the stack of `scope` its log group; once, however often it is called.

    Raises LookupError where no bucket of the stack asked for automatic deletion.
    """
    stack = Stack.of(scope)
    provider = stack.node.try_find_child(_PROVIDER)
    if provider is None:
        raise LookupError(f"{stack.node.path}: no bucket here deletes its objects automatically")
    if stack.node.try_find_child(_LOGS) is not None:
        return
    group = logs.group(stack, _LOGS)

    handler = cast("CfnResource", provider.node.find_child("Handler"))
    role = cast("CfnResource", provider.node.find_child("Role"))
    handler.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
    role.add_property_deletion_override("ManagedPolicyArns")
    role.add_property_override(
        "Policies",
        [
            {
                "PolicyName": "WriteOwnLogs",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": group.log_group_arn,
                        }
                    ],
                },
            }
        ],
    )
