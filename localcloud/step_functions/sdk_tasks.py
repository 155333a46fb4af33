"""Tasks that call an operation of a service (`aws-sdk:s3:putObject`): parameters and errors.

The call itself is made by clients.py, as the state machine's role.
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (  # noqa: E501
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localcloud.step_functions.error_names import MOST_CAUSE, ReportedName
from localcloud.step_functions.history import event_details

# As AWS SDK for Java 2 calls its services, from which the errors have their names; others go by
# moto's table or by the name in the resource.
_ERROR_PREFIXES = {"s3": "S3", "dynamodb": "DynamoDb", "sfn": "Sfn"}


def normalise_parameters(task: StateTaskServiceAwsSdk, parameters: dict[str, Any]) -> None:
    """Parameters as botocore takes them; what is not text becomes JSON where bytes are wanted."""
    shape = _input_shape(
        task._get_boto_service_name(),
        task.resource.api_action[:1].upper() + task.resource.api_action[1:],
    )
    if shape is not None:
        task._to_boto_request(parameters, shape)


@functools.lru_cache(maxsize=64)
def _input_shape(service: str, operation: str) -> Any:
    return (
        botocore.session.get_session()
        .get_service_model(service)
        .operation_model(operation)
        .input_shape
    )


def failures(stock: Callable[..., FailureEvent]) -> Callable[..., FailureEvent]:
    """StateTaskServiceAwsSdk._from_error under AWS's names: `S3.NoSuchBucketException`."""

    def from_error(task: StateTaskServiceAwsSdk, env: Environment, ex: Exception) -> FailureEvent:
        name = task.resource.api_name
        prefix = _ERROR_PREFIXES.get(name.lower(), name)
        if isinstance(ex, ClientError):
            kind = type(ex).__name__
            # An error without a class of its own is the service's general one.
            kind = prefix if kind == "ClientError" else kind
            error = f"{prefix}.{kind.removesuffix('Exception')}Exception"
            cause = f"{ex.response['Error'].get('Message', '')} ({_origin(prefix, ex)})"
        elif isinstance(ex, BotoCoreError):
            error, cause = f"{prefix}.SdkClientException", str(ex)
        else:
            return stock(task, env, ex)
        details = TaskFailedEventDetails(
            error=error,
            cause=cause[:MOST_CAUSE],
            resource=task._get_sfn_resource(),
            resourceType=task._get_sfn_resource_type(),
        )
        return FailureEvent(
            env=env,
            error_name=ReportedName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=event_details(taskFailedEventDetails=details),
        )

    return from_error


def _origin(service: str, error: ClientError) -> str:
    metadata: Any = error.response.get("ResponseMetadata", {})
    told = {
        "Service": service,
        "Status Code": metadata.get("HTTPStatusCode"),
        "Request ID": metadata.get("RequestId"),
        "Extended Request ID": metadata.get("HostId"),
    }
    return ", ".join(f"{name}: {value}" for name, value in told.items() if value)
