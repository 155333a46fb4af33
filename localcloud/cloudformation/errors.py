"""The errors that callers of the CloudFormation API see, and the one a resource fails with.

Codes and wording follow CloudFormation, since the CDK CLI matches on them
(`Stack with id X does not exist`, `ChangeSetNotFound`). Nothing here is ever an HTTP 500.
"""

from __future__ import annotations

from collections.abc import Sequence


class CloudFormationError(Exception):
    """A refusal of an API call: `code` is CloudFormation's error code, `message` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ResourceFailure(Exception):  # noqa: N818 - it ends a resource's operation, not a request
    """A resource could not be created, updated or deleted; the text becomes its status reason."""


def validation_error(message: str) -> CloudFormationError:
    """What CloudFormation answers to nearly every bad request."""
    return CloudFormationError("ValidationError", message)


def template_errors(problems: Sequence[str]) -> CloudFormationError:
    """One error for all problems found in a template, so that they can be mended at once."""
    if len(problems) == 1:
        return validation_error(f"Template error: {problems[0]}")
    listed = "; ".join(problems)
    return validation_error(f"Template error: {len(problems)} problems: {listed}")


def unresolved_dependency(logical_id: str) -> CloudFormationError:
    """A reference to a resource whose condition is false."""
    return validation_error(
        f"Template error: Unresolved resource dependencies [{logical_id}]: its condition is false"
    )


def stack_does_not_exist(stack_name: str) -> CloudFormationError:
    """The wording on which the CDK CLI decides that a stack is new."""
    return validation_error(f"Stack with id {stack_name} does not exist")
