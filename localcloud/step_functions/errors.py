"""Errors of the Step Functions API that moto raises without the name by which clients know them.

https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
"""

from __future__ import annotations

from moto.core.exceptions import AWSError


class InvalidDefinition(AWSError):  # noqa: N818 - AWS's name
    """The state machine's definition is no Amazon States Language."""

    TYPE = "InvalidDefinition"

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid State Machine Definition: '{message}'")


class InvalidExecutionInput(AWSError):  # noqa: N818 - AWS's name
    """The input of an execution is not JSON."""

    TYPE = "InvalidExecutionInput"

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid State Machine Execution Input: '{message}'")


class ResourceNotFound(AWSError):  # noqa: N818 - AWS's name
    """No such map run."""

    TYPE = "ResourceNotFound"

    def __init__(self, message: str = "Resource not found") -> None:
        super().__init__(message)


class ExecutionNotRedrivable(AWSError):  # noqa: N818 - AWS's name
    """The execution runs, succeeded, or is too old or too long to go on."""

    TYPE = "ExecutionNotRedrivable"


class ExecutionLimitExceeded(AWSError):  # noqa: N818 - AWS's name
    """As many executions are open as an account may have."""

    TYPE = "ExecutionLimitExceeded"

    def __init__(self) -> None:
        super().__init__("The maximum number of running executions has been reached.")


class InvalidToken(AWSError):  # noqa: N818 - AWS's name
    """The token of a page is not one that was handed out."""

    TYPE = "InvalidToken"
