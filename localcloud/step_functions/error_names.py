"""Which errors a Retry or Catch matches, by AWS's rules for the names and their wildcards.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.eval.environment import Environment

_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")
# In characters; what is longer is cut there, in the midst of JSON, too.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
MOST_CAUSE = 32_768


class ReportedName(ErrorName):
    """An error name as it was reported; unlike CustomErrorName, with any prefix."""


def evaluate_error_equals(declared: ErrorEqualsDecl, env: Environment) -> None:
    """ErrorEqualsDecl._eval_body: pop the error's name, push whether it is matched."""
    reported: ErrorName | None = env.stack.pop()
    name = reported.error_name if reported is not None else None
    matched = matches(name, [declared_name.error_name for declared_name in declared.error_names])
    env.stack.append(matched)


def matches(name: str | None, error_equals: list[str | None]) -> bool:
    """Whether an error called `name` is one of those that `error_equals` lists."""
    if name == "States.Runtime":
        return False
    if name in error_equals:
        return True
    if name == "States.HeartbeatTimeout" and "States.Timeout" in error_equals:
        return True
    if name == "States.DataLimitExceeded":
        return False
    if "States.ALL" in error_equals:
        return True
    return "States.TaskFailed" in error_equals and name not in _TIMEOUTS
