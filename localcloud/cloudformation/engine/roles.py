"""With whose credentials operations call the services: those of the stack's role, if it has one.

CloudFormation assumes the role that a request names and keeps it for all later operations on the
stack (RoleARN of CreateStack). What the role may do is for the services to decide.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.context import CloudContext
from localcloud.identity.sessions import Session, assume

_SESSION_S = 3600
# A session is not used any more when it has less than this left: no operation takes longer.
_MARGIN_S = 900

Handlers = Mapping[str, ResourceHandler]


class HandlersByRole:
    """Resource handlers by the role that they call the services as."""

    def __init__(self, context: CloudContext, make: Callable[[CloudContext], Handlers]) -> None:
        """`make`: the handlers that call the services with a context's credentials."""
        self._context = context
        self._make = make
        self._lock = threading.Lock()
        self._own = make(context)
        self._sessions: dict[str, tuple[Session, Handlers]] = {}

    def of(self, role_arn: str | None) -> Handlers:
        """Handlers of a role, None: the cloud's own. Raises ValidationError as `check` does."""
        if role_arn is None:
            return self._own
        with self._lock:
            known = self._sessions.get(role_arn)
            if known is None or known[0].ends_within(_MARGIN_S):
                known = self._sessions[role_arn] = self._assume(role_arn)
            return known[1]

    def check(self, role_arn: str) -> None:
        """Raise ValidationError unless the role exists."""
        try:
            self._context.client("iam").get_role(RoleName=role_arn.rsplit("/", 1)[-1])
        except ClientError as error:
            raise validation_error(f"Role {role_arn} is invalid or cannot be assumed") from error

    def _assume(self, role_arn: str) -> tuple[Session, Handlers]:
        self.check(role_arn)
        # As the service, which the role trusts; the account itself may not be trusted.
        session = assume(self._context, role_arn, "AWSCloudFormation", duration_s=_SESSION_S)
        context = self._context.with_credentials(
            session.access_key_id, session.secret_access_key, session.session_token
        )
        return session, self._make(context)
