"""Temporary credentials with which a service of this cloud acts for a role it was given.

Whether the role trusts the service is decided where the role is handed over (localcloud/iam).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.sts.models import sts_backends

if TYPE_CHECKING:
    from localcloud.context import CloudContext


@dataclass(frozen=True)
class Session:
    """Credentials of one session, and when they end."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime.datetime


def assume(context: CloudContext, role_arn: str, session_name: str, *, duration_s: int) -> Session:
    """A new session of `role_arn`; AWS allows at most 12 hours, or the role's own maximum."""
    partition = role_arn.split(":")[1]
    session = sts_backends[context.account][partition].assume_role(
        region_name=context.region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=duration_s,
        external_id="",
    )
    return Session(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        session_token=session.session_token,
        expires_at=session.expiration.replace(tzinfo=datetime.UTC),
    )
