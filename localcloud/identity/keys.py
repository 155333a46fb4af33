"""The access keys of one cloud's account, and who is behind each.

The deployer's are the cloud's own; users' and sessions' are moto's, looked up at each use, so that
a key that IAM has deleted or switched off is refused at once.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole

from localcloud.identity.caller import Caller, Kind
from localcloud.identity.issued_sessions import IssuedSessions

if TYPE_CHECKING:
    from localcloud.context import CloudContext


@dataclass(frozen=True)
class Key:
    """`user_id` is the unique ID that IAM gives the identity; `token` goes with temporary keys."""

    caller: Caller
    user_id: str
    secret: str
    token: str | None = None
    expires_at: datetime.datetime | None = None


class KeyRing:
    """Finds keys by their ID."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context
        arn = f"arn:aws:iam::{context.account}:user/deployer"
        self._deployer = Key(
            Caller(Kind.DEPLOYER, context.account, arn, arn, context.access_key_id),
            user_id=context.access_key_id,
            secret=context.secret_access_key,
        )
        self._sessions = IssuedSessions(context.account)

    def find(self, access_key_id: str) -> Key | None:
        """None for a key that is unknown, deleted or inactive; an expired one is found."""
        if access_key_id == self._context.access_key_id:
            return self._deployer
        if (session := self._sessions.find(access_key_id)) is not None:
            return self._session_key(session)
        return self._user_key(access_key_id)

    def _session_key(self, session: AssumedRole) -> Key:
        caller = Caller(
            Kind.ROLE,
            self._context.account,
            session.arn,
            session.role_arn,
            session.access_key_id,
        )
        return Key(
            caller,
            user_id=session.user_id,
            secret=session.secret_access_key,
            token=session.session_token,
            expires_at=session.expiration.replace(tzinfo=datetime.UTC),
        )

    def _user_key(self, access_key_id: str) -> Key | None:
        iam: Any = iam_backends[self._context.account]["aws"]
        for user in list(iam.users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key_id and key.status == "Active":
                    caller = Caller(
                        Kind.USER, self._context.account, user.arn, user.arn, access_key_id
                    )
                    return Key(caller, user_id=user.id, secret=key.secret_access_key)
        return None
