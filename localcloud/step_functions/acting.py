"""For whom a state is evaluated: the role of its state machine.

moto's interpreter makes its clients without saying for which execution; the thread that evaluates a
state knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_role: ContextVar[str] = ContextVar("role")


@contextmanager
def acting_as(role_arn: str) -> Iterator[None]:
    """Evaluate the block for that role."""
    token = _role.set(role_arn)
    try:
        yield
    finally:
        _role.reset(token)


def acting_role() -> str:
    """The role's ARN. Raises LookupError outside of a state."""
    return _role.get()
