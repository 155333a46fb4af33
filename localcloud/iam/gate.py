"""The one place where it is decided whether a caller may do what it asks for.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
The deployer passes, as the account's root user does, except where a resource's policy denies or a
role does not trust it. For everybody else an operation that is not modelled is denied.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from localcloud.iam import trust
from localcloud.iam.attached import AttachedPolicies
from localcloud.iam.call import Account, Call, KeyValues, NotModelledError
from localcloud.iam.context import RequestContext, request_context
from localcloud.iam.decisions import Decision, Decisions
from localcloud.iam.errors import AccessDenied, PolicyError, denial
from localcloud.iam.evaluation import Verdict, evaluate
from localcloud.iam.requests import calls
from localcloud.iam.resource_policies import ResourcePolicies
from localcloud.iam.s3 import hidden_absence
from localcloud.identity.caller import Caller, Kind
from localcloud.server.credential_scope import credential_scope_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localcloud.context import CloudContext

log = logging.getLogger(__name__)


class Gate:
    """Decides for one cloud; keeps what it decided."""

    def __init__(self, context: CloudContext) -> None:
        self.account = Account(context.account, context.region)
        self._attached = AttachedPolicies(context.account)
        self._of_resources = ResourcePolicies(context.account, context.region, self._attached)
        self._decisions = Decisions()

    def check(self, caller: Caller, environ: WSGIEnvironment) -> None:
        """Whether `caller` may make the request. Raises AccessDenied, or Refused for a bad role."""
        scope = credential_scope_of(environ)
        service = scope.service if scope else "s3"
        if caller.kind is Kind.DEPLOYER and not _concerns_root(service, environ):
            return
        try:
            wanted = calls(environ, service, self.account)
        except NotModelledError as error:
            if caller.kind is Kind.DEPLOYER:
                return
            raise self._denied(
                AccessDenied.of(
                    service,
                    f"User: {_name(caller)} is not authorized to perform: {error}: the embedded "
                    "cloud does not model the permission that it needs, and denies it",
                )
            ) from error
        context = request_context(caller, self.account, environ)
        for call in wanted:
            self._decide(caller, call, context, service)
        for call in hidden_absence(wanted, self.account):
            self._decide(caller, call, context, service)
        trust.check(wanted, self)

    def allows(self, caller: Caller, action: str, resource: str, context: KeyValues) -> None:
        """Whether `caller` may do `action`; for calls within this process.

        `context` holds condition keys that go beyond those every request has, or replace them.
        Raises AccessDenied.
        """
        general = request_context(caller, self.account, None)
        self._decide(caller, Call(action, resource, context), general, action.partition(":")[0])

    def decisions(self) -> list[Decision]:
        """What was decided, equal decisions once, the latest 20,000; the deployer's are not kept."""
        return self._decisions.all()

    def _decide(
        self, caller: Caller, call: Call, general: RequestContext, service: str
    ) -> None:
        try:
            verdict = evaluate(
                caller,
                call.action,
                call.resource,
                general.also(call.keys),
                held=self._attached.of(caller),
                of_resource=self._of_resources.of(call.action, call.resource),
            )
        except PolicyError as error:
            message = f"User: {_name(caller)} is not authorized to perform: {call.action}: {error}"
            raise self._denied(AccessDenied.of(service, message)) from error
        if caller.kind is not Kind.DEPLOYER:
            self._decisions.add(
                Decision(caller.principal_arn, call.action, call.resource, verdict.allowed)
            )
        if not verdict.allowed:
            raise self._denied(AccessDenied.of(service, _message(caller, call, verdict)))

    def _denied(self, denied: AccessDenied) -> AccessDenied:
        log.warning("%s", denied.message)
        return denied
