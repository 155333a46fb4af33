"""The one place where it is decided whether a caller may do what it asks for.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
The deployer passes, as the account's root user does, except where a resource's policy denies or a
role does not trust it. For everybody else an operation that is not modelled is denied.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from localcloud.iam.attached import AttachedPolicies
from localcloud.iam.call import Account, Call, KeyValues, NotModelledError
from localcloud.iam.context import RequestContext, request_context
from localcloud.iam.decisions import Decision, Decisions
from localcloud.iam.errors import AccessDenied, beginning, denial
from localcloud.iam.evaluation import Verdict, evaluate
from localcloud.iam.policy_error import PolicyError
from localcloud.iam.requests import calls, concern_root, service_of
from localcloud.iam.resource_policies import ResourcePolicies
from localcloud.iam.s3 import hidden_absence
from localcloud.iam.trust import check_passed_roles
from localcloud.identity.caller import Caller, Kind

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localcloud.context import CloudContext

Allows = Callable[[Caller, str, str, KeyValues], None]
log = logging.getLogger(__name__)


class Gate:
    """Decides for one cloud; keeps what it decided."""

    def __init__(self, context: CloudContext) -> None:
        self._account = Account(context.account, context.region)
        self._attached = AttachedPolicies(context.account)
        self._of_resources = ResourcePolicies(context.account, context.region, self._attached)
        self._decisions = Decisions()

    def check(self, caller: Caller, environ: WSGIEnvironment) -> None:
        """Whether `caller` may make the request.

        Raises AccessDenied, or Refused where a service is given a role that does not trust it.
        """
        service = service_of(environ)
        if caller.kind is Kind.DEPLOYER and not concern_root(environ, service):
            return
        try:
            wanted = calls(environ, service, self._account)
        except NotModelledError as error:
            if caller.kind is Kind.DEPLOYER:
                return
            reason = "the embedded cloud does not model the permission it needs, and denies it"
            raise _denied(service, f"{beginning(caller, str(error))}: {reason}") from error
        context = request_context(caller, self._account, environ)
        for call in wanted:
            self._decide(caller, call, context, service)
        for call in hidden_absence(wanted, self._account):
            self._decide(caller, call, context, service)
        check_passed_roles(
            wanted, self._account, lambda to, call: self._verdict(to, call, context).allowed
        )

    def allows(self, caller: Caller, action: str, resource: str, context: KeyValues) -> None:
        """Whether `caller` may do `action`; for calls within this process.

        `context` holds condition keys that go beyond those of every request, or replace them.
        Raises AccessDenied.
        """
        general = request_context(caller, self._account, None)
        self._decide(caller, Call(action, resource, context), general, action.partition(":")[0])

    def decisions(self) -> list[Decision]:
        """The latest 20,000 decisions, equal ones once; those about the deployer are not kept."""
        return self._decisions.all()

    def _decide(self, caller: Caller, call: Call, general: RequestContext, service: str) -> None:
        try:
            verdict = self._verdict(caller, call, general)
        except PolicyError as error:
            raise _denied(service, f"{beginning(caller, call.action)}: {error}") from error
        if caller.kind is not Kind.DEPLOYER:
            self._decisions.add(
                Decision(caller.principal_arn, call.action, call.resource, verdict.allowed)
            )
        if not verdict.allowed:
            raise _denied(service, denial(caller, call.action, call.resource, verdict))

    def _verdict(self, caller: Caller, call: Call, general: RequestContext) -> Verdict:
        return evaluate(
            caller,
            call.action,
            call.resource,
            general.also(call.keys),
            held=self._attached.of(caller),
            of_resource=self._of_resources.of(call.action, call.resource),
        )


def _denied(service: str, message: str) -> AccessDenied:
    log.warning("denied: %s", message)
    return AccessDenied.by(service, message)
