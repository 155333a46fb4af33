"""The policies that come with a caller, as moto's IAM and STS hold them at this moment.

A document that has not changed is not read again; what was attached, replaced or deleted since the
last request counts for this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.iam.models import iam_backends

from localcloud.iam.documents import Policy, parsed
from localcloud.iam.evaluation import Held
from localcloud.identity.caller import Caller, Kind
from localcloud.identity.issued_sessions import IssuedSessions

_NOTHING = Held()


class AttachedPolicies:
    """Identity-based policies, boundaries and session policies of one account's callers."""

    def __init__(self, account: str, partition: str = "aws") -> None:
        self._account = account
        self._partition = partition
        self._sessions = IssuedSessions(account, partition)
        self._roles: dict[str, Any] = {}

    @property
    def _iam(self) -> Any:
        return iam_backends[self._account][self._partition]

    def of(self, caller: Caller) -> Held:
        """What `caller` holds; nothing where its role or user is gone. Raises PolicyError."""
        if caller.kind is Kind.ROLE:
            role = self.role(caller.principal_arn)
            return _NOTHING if role is None else self._held(role, (role,), self._session(caller))
        if caller.kind is Kind.USER:
            user = self._user(caller.principal_arn)
            return _NOTHING if user is None else self._held(user, self._with_groups(user), None)
        return _NOTHING

    def role(self, arn: str) -> Any | None:
        """moto's role of that ARN; None when there is none."""
        known = self._roles.get(arn)
        if known is not None and self._iam.roles.get(known.id) is known:
            return known
        for role in list(self._iam.roles.values()):
            if role.arn == arn:
                self._roles[arn] = role
                return role
        return None

    def _user(self, arn: str) -> Any | None:
        return next((user for user in list(self._iam.users.values()) if user.arn == arn), None)

    def _with_groups(self, user: Any) -> Iterator[Any]:
        yield user
        yield from (group for group in list(self._iam.groups.values()) if user in group.users)

    def _held(self, principal: Any, holders: Iterable[Any], session: Policy | None) -> Held:
        boundary_arn = getattr(principal, "permissions_boundary_arn", None)
        return Held(
            identity=tuple(policy for holder in holders for policy in _attached(holder)),
            boundary=self._managed(boundary_arn) if boundary_arn else None,
            session=session,
        )

    def _managed(self, arn: str) -> Policy:
        managed = self._iam.managed_policies.get(arn)
        # A boundary that is not there allows nothing.
        return parsed(_default_document(managed)) if managed else Policy((), ())

    def _session(self, caller: Caller) -> Policy | None:
        """What AssumeRole was given as `Policy`."""
        session = self._sessions.find(caller.access_key_id)
        return parsed(session.policy) if session is not None and session.policy else None


def _attached(holder: Any) -> Iterator[Policy]:
    for document in list(holder.policies.values()):
        yield parsed(document)
    for managed in list(holder.managed_policies.values()):
        yield parsed(_default_document(managed))


def _default_document(managed: Any) -> str:
    return next(
        str(version.document)
        for version in managed.versions
        if version.version_id == managed.default_version_id
    )
