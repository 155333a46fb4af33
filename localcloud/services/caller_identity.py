"""Lets the deployer ask who it is.

moto knows the sessions and users that it made, and says "moto" for every other key; the deployer's
is the cloud's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.sts.models import STSBackend

from localcloud.identity.keys import KeyRing
from localcloud.services.patches import Patch

if TYPE_CHECKING:
    from localcloud.context import CloudContext


def caller_identity_patches(context: CloudContext) -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            STSBackend,
            "get_caller_identity",
            _with_deployer(STSBackend.get_caller_identity, KeyRing(context)),
            "the deployer is told to be a user called moto",
        )
    ]


def _with_deployer(
    identity_of: Callable[..., tuple[str, str, str]], keys: KeyRing
) -> Callable[..., tuple[str, str, str]]:
    def get_caller_identity(
        backend: STSBackend, access_key_id: str, *args: Any, **kwargs: Any
    ) -> tuple[str, str, str]:
        key = keys.find(access_key_id)
        if key is None:
            return identity_of(backend, access_key_id, *args, **kwargs)
        return key.user_id, key.caller.arn, key.caller.account

    return get_caller_identity
