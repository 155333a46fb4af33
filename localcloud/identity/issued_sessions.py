"""Sessions of roles that STS has issued in one account, by their access key."""

from __future__ import annotations

import threading

from moto.sts.models import AssumedRole, sts_backends


class IssuedSessions:
    """Sessions pile up by the thousand in a long-lived cloud, and moto keeps them in a list."""

    def __init__(self, account: str, partition: str = "aws") -> None:
        self._account = account
        self._partition = partition
        self._by_key: dict[str, AssumedRole] = {}
        self._indexed = 0
        self._lock = threading.Lock()

    def find(self, access_key_id: str) -> AssumedRole | None:
        """None for a key that is no session's; an expired session is found."""
        issued = sts_backends[self._account][self._partition].assumed_roles
        with self._lock:
            for session in issued[self._indexed :]:
                self._by_key[session.access_key_id] = session
                self._indexed += 1
            return self._by_key.get(access_key_id)
