"""One step of a workflow: call a function through its alias, and again where that can help.

It decides that only failures of the platform are retried: throttling, service errors and a lost
execution environment. An exception of the handler never is: the same input gives the same
exception, and a retried bug costs as often as it is retried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
SERVICE_ERRORS = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# A crash, a kill for memory and a timeout each lose the environment. Once that can be the machine's
# fault, three times hardly.
LOST_ENVIRONMENT_ERRORS = ("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout")


class Invocation(tasks.LambdaInvoke):
    """Invoke `live` with `payload` or the whole input; the state's output is its answer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        live: lambda_.Alias,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Take an alias, not a function: no step can call an unpublished version."""
        super().__init__(
            scope,
            construct_id,
            lambda_function=live,
            payload=sfn.TaskInput.from_object(dict(payload)) if payload else None,
            output_path="$.Payload",
            # CDK's own retry has no jitter: a wide map would come back all at once.
            retry_on_service_exceptions=False,
        )
        self.add_retry(
            errors=list(SERVICE_ERRORS),
            interval=Duration.seconds(1),
            backoff_rate=2,
            max_delay=Duration.seconds(30),
            max_attempts=8,
            jitter_strategy=sfn.JitterType.FULL,
        )
        self.add_retry(
            errors=list(LOST_ENVIRONMENT_ERRORS),
            interval=Duration.seconds(1),
            backoff_rate=2,
            max_delay=Duration.seconds(10),
            max_attempts=2,
            jitter_strategy=sfn.JitterType.FULL,
        )
