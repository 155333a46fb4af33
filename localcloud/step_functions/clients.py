"""Clients with which a state machine calls services: as its own role, at this cloud's port.

moto's interpreter builds a client for each call (11 ms), on port 5000, with keys of its own. Here a
role has one client per service, whose temporary credentials are renewed before they expire.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials

from localcloud.identity.sessions import assume
from localcloud.step_functions.acting import acting_role

if TYPE_CHECKING:
    from localcloud.context import CloudContext

SESSION_NAME = "states"
# What a chained role gets at most, and Step Functions uses:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
_SESSION_S = 3600


class ServiceClients:
    """Stands where the interpreter expects the `boto3` module, of which it calls only `client`."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._sessions: dict[str, boto3.Session] = {}

    def client(self, *, service_name: str, **_moto_defaults: Any) -> Any:
        """The client of a service for the role of the state that is being evaluated."""
        role_arn = acting_role()
        with self._lock:
            key = (role_arn, service_name)
            if key not in self._clients:
                self._clients[key] = self._session(role_arn).client(
                    service_name,
                    endpoint_url=self._context.endpoint,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        s3={"addressing_style": "path"},
                        max_pool_connections=64,
                    ),
                )
            return self._clients[key]

    def _session(self, role_arn: str) -> boto3.Session:
        if role_arn not in self._sessions:
            session = botocore.session.get_session()
            # botocore has no public way to give a session credentials that renew themselves.
            session._credentials = RefreshableCredentials.create_from_metadata(
                metadata=self._credentials(role_arn),
                refresh_using=lambda: self._credentials(role_arn),
                method="sts-assume-role",
            )
            self._sessions[role_arn] = boto3.Session(
                botocore_session=session, region_name=self._context.region
            )
        return self._sessions[role_arn]

    def _credentials(self, role_arn: str) -> dict[str, str]:
        session = assume(self._context, role_arn, SESSION_NAME, duration_s=_SESSION_S)
        return {
            "access_key": session.access_key_id,
            "secret_key": session.secret_access_key,
            "token": session.session_token,
            "expiry_time": session.expires_at.isoformat(),
        }
