"""Chooses a job's id on the client's side, so that a repeated POST starts no second job."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

# No vowels and no look-alikes: ids are read out and typed.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


def new_job_id(*, now: datetime | None = None, token: str | None = None) -> str:
    """A readable id such as `20260131-140509-k7mq2x`: UTC date and time, then 28 random bits.

    It sorts by time, and is a valid name of a Step Functions execution and of an S3 prefix.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    random = token or "".join(secrets.choice(_ALPHABET) for _ in range(6))
    return f"{moment:%Y%m%d-%H%M%S}-{random}"
