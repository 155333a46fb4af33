"""Turns the parameters of a request into a deployment target, checked as far as possible.

All of CreateStack, UpdateStack and CreateChangeSet pass through here, so a template is refused in
the same words by each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation.api.template_source import requested_template
from localcloud.cloudformation.engine.resolution import pseudo_parameters
from localcloud.cloudformation.engine.roles import HandlersByRole
from localcloud.cloudformation.engine.state import Stack, Target
from localcloud.cloudformation.engine.validation import (
    check_capabilities,
    check_same_types,
    check_template,
)
from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.template.conditions import check_rules
from localcloud.cloudformation.template.declarations import Template
from localcloud.cloudformation.template.parameters import ParameterValue, resolve_parameters
from localcloud.context import CloudContext

_UNMODELLED = (
    "DeploymentMode",
    "NotificationARNs",
    "ResourceTypes",
    "ResourcesToImport",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyURL",
    "TimeoutInMinutes",
)
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_PAUSED = ("CREATE_FAILED", "UPDATE_FAILED")
_UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    *_PAUSED,
)


class Targets:
    """Makes targets from requests."""

    def __init__(self, context: CloudContext, handlers: HandlersByRole) -> None:
        self._context = context
        self._roles = handlers
        self._handlers = handlers.of(None)

    def role(self, request: Mapping[str, Any], stack: Stack | None) -> str | None:
        """The role of a request, else the stack's. Raises ValidationError when it is not there."""
        role_arn: str | None = request.get("RoleARN") or (stack.role_arn if stack else None)
        if role_arn is not None:
            self._roles.check(role_arn)
        return role_arn

    def check_new_name(self, name: str) -> None:
        """Raise ValidationError unless the name can be a stack's."""
        if not _STACK_NAME.fullmatch(name):
            raise validation_error(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: "
                "[a-zA-Z][-a-zA-Z0-9]*, up to 128 characters"
            )

    def check_updatable(self, stack: Stack) -> None:
        """Raise ValidationError in states from which no update is possible."""
        if stack.status not in _UPDATABLE:
            raise validation_error(
                f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            )

    def check_resumable(self, stack: Stack, on_failure: str) -> None:
        """A failed operation left as it was can only go on without rollback."""
        if stack.status in _PAUSED and on_failure != "DO_NOTHING":
            raise validation_error(
                f"This stack is currently in a non-terminal [{stack.status}] state. To update the "
                "stack from this state, please use the disable-rollback parameter with "
                "update-stack API. To rollback to the last known good state, use the "
                "rollback-stack API"
            )

    def target(self, request: Mapping[str, Any], stack: Stack | None) -> Target:
        """The target of a request for `stack` (None: a new one). Raises CloudFormationError."""
        for name in _UNMODELLED:
            if request.get(name):
                raise validation_error(f"{name} is not modelled by this embedded cloud")
        template = requested_template(self._context, request, stack)
        self.check(template)
        capabilities = tuple(request.get("Capabilities", ()))
        check_capabilities(template, capabilities)
        if stack is not None:
            check_same_types({r.logical_id: r.type for r in stack.resources().values()}, template)
        parameters = resolve_parameters(
            template.parameters,
            request.get("Parameters", ()),
            {} if stack is None else stack.target.parameters,
            self._ssm_value,
        )
        self._check_rules(template, request["StackName"], parameters)
        tags = request.get("Tags")
        return Target(
            template=template,
            parameters=parameters,
            tags=_tags(tags, stack),
            capabilities=capabilities,
            deployment_mode=request.get("DeploymentConfig", {}).get("Mode", "STANDARD"),
            import_existing=bool(request.get("ImportExistingResources")),
        )

    def check(self, template: Template) -> None:
        """Raise CloudFormationError for anything in a template that is not modelled."""
        check_template(template, self._handlers)

    def _check_rules(
        self,
        template: Template,
        stack_name: str,
        parameters: Mapping[str, ParameterValue],
    ) -> None:
        pseudo = pseudo_parameters(self._context, stack_name, "")
        check_rules(template, pseudo, {key: value.value for key, value in parameters.items()})

    def _ssm_value(self, name: str) -> str:
        try:
            answer = self._context.client("ssm").get_parameter(Name=name)
        except ClientError as error:
            raise validation_error(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from error
        return str(answer["Parameter"]["Value"])


def _tags(tags: list[Mapping[str, str]] | None, stack: Stack | None) -> tuple[tuple[str, str], ...]:
    """Tags that are not given stay as they are; an empty list removes them."""
    if tags is None:
        return () if stack is None else stack.target.tags
    return tuple((tag["Key"], tag["Value"]) for tag in tags)
