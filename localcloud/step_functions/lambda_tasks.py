"""Lambda tasks of a state machine: invoked in this process, failing under AWS's names of errors.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
It decides nothing about retries: the state's Retry and Catch do.
"""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.api import (
    HistoryEventType,
    LambdaFunctionFailedEventDetails,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (  # noqa: E501
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

from localcloud.functions.errors import ServiceError
from localcloud.functions.invocation import Invoke
from localcloud.iam import arns
from localcloud.iam.call import Account
from localcloud.iam.callers import session_of
from localcloud.iam.gate import Allows
from localcloud.identity.errors import Refused
from localcloud.step_functions.clients import SESSION_NAME
from localcloud.step_functions.error_names import MOST_CAUSE, ReportedName
from localcloud.step_functions.history import event_details


class _LambdaTaskError(Exception):
    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause[:MOST_CAUSE]


class LambdaTasks:
    """The two ways a Task calls a function: `lambda:invoke`, and the function's own ARN."""

    def __init__(self, invoke: Invoke, allows: Allows, account: Account) -> None:
        self._invoke = invoke
        self._allows = allows
        self._account = account
        self._service_failure = StateTaskServiceLambda._from_error
        self._plain_failure = StateTaskLambda._from_error

    def execute(
        self, env: Environment, parameters: dict[str, Any], region: str, state_credentials: Any
    ) -> None:
        """Run the invocation and leave the response on the interpreter's stack."""
        self._authorise(state_credentials.role_arn, parameters)
        try:
            answer = self._invoke(
                parameters["FunctionName"],
                parameters.get("Qualifier"),
                parameters.get("Payload", b"{}"),
            )
        except ServiceError as refusal:
            cause = f"{refusal} (Service: Lambda, Status Code: {refusal.status})"
            raise _LambdaTaskError(f"Lambda.{refusal.code}", cause) from refusal
        payload = _decoded(answer.payload)
        if answer.function_error:
            raise _function_failed(payload)
        env.stack.append(
            {
                "ExecutedVersion": answer.executed_version,
                "Payload": payload,
                "StatusCode": 200,
            }
        )

    def _authorise(self, role_arn: str, parameters: dict[str, Any]) -> None:
        """AWS names it so: https://github.com/awslabs/aws-deployment-framework/issues/460"""
        name = parameters["FunctionName"]
        function_arn = arns.function(self._account, name, parameters)
        try:
            caller = session_of(role_arn, SESSION_NAME)
            self._allows(caller, "lambda:InvokeFunction", function_arn, {})
        except Refused as refusal:
            raise _LambdaTaskError(
                "Lambda.AWSLambdaException",
                f"{refusal.message} (Service: Lambda, Status Code: {refusal.status})",
            ) from refusal

    def service_failure(
        self, state: StateTaskServiceLambda, env: Environment, ex: Exception
    ) -> FailureEvent:
        """The failure event of a `lambda:invoke` task."""
        if not isinstance(ex, _LambdaTaskError):
            return self._service_failure(state, env, ex)
        details = TaskFailedEventDetails(
            error=ex.error,
            cause=ex.cause,
            resource=state._get_sfn_resource(),
            resourceType=state._get_sfn_resource_type(),
        )
        return FailureEvent(
            env=env,
            error_name=ReportedName(ex.error),
            event_type=HistoryEventType.TaskFailed,
            event_details=event_details(taskFailedEventDetails=details),
        )

    def plain_failure(
        self, state: StateTaskLambda, env: Environment, ex: Exception
    ) -> FailureEvent:
        """The failure event of a task whose resource is a function's ARN."""
        if not isinstance(ex, _LambdaTaskError):
            return self._plain_failure(state, env, ex)
        details = LambdaFunctionFailedEventDetails(error=ex.error, cause=ex.cause)
        return FailureEvent(
            env=env,
            error_name=ReportedName(ex.error),
            event_type=HistoryEventType.LambdaFunctionFailed,
            event_details=event_details(lambdaFunctionFailedEventDetails=details),
        )


def _decoded(payload: bytes) -> Any:
    text = payload.decode("utf-8")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _function_failed(payload: Any) -> _LambdaTaskError:
    cause = json.dumps(payload, separators=(",", ":"))
    error_type = payload.get("errorType") if isinstance(payload, dict) else None
    if isinstance(error_type, str) and error_type:
        return _LambdaTaskError(error_type, cause)
    return _LambdaTaskError(
        "Lambda.Unknown",
        "The cause could not be determined because Lambda did not return an error type. "
        f"Returned payload: {cause}",
    )
