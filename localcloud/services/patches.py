"""Where moto's behaviour in this process is replaced while a cloud is up, and why.

Every replacement is one `Patch` with its reason, applied when a cloud starts and taken back when it
stops. Each has a test that fails when it is removed, or when moto no longer needs it. What a
service answers is decided by the modules that the patches call, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core.config import default_user_config

_MISSING = object()


@dataclass(frozen=True)
class Patch:
    """`target.attribute` becomes `replacement`; `reason` says what moto does otherwise.

    `adds`: moto has no such attribute, which is what is wrong.
    """

    target: Any
    attribute: str
    replacement: Any
    reason: str
    adds: bool = False


def method(call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, fit to replace a method: a bound method on a class would not get the instance."""

    def replacement(instance: Any, *args: Any, **kwargs: Any) -> Any:
        return call(instance, *args, **kwargs)

    return replacement


@contextmanager
def applied(patches: Iterable[Patch]) -> Iterator[None]:
    """Apply `patches` for the length of the block; AttributeError where moto has moved one."""
    originals: list[tuple[Patch, Any]] = []
    try:
        for patch in patches:
            original = vars(patch.target).get(patch.attribute, _MISSING)
            if (original is _MISSING) is not patch.adds:
                has = "has now" if patch.adds else "has no"
                raise AttributeError(
                    f"{patch.target!r} {has} {patch.attribute!r} of its own: moto has changed, "
                    f"see whether the patch is still needed ({patch.reason})"
                )
            originals.append((patch, original))
            setattr(patch.target, patch.attribute, patch.replacement)
        yield
    finally:
        for patch, original in reversed(originals):
            if original is _MISSING:
                delattr(patch.target, patch.attribute)
            else:
                setattr(patch.target, patch.attribute, original)


@contextmanager
def configured() -> Iterator[None]:
    """moto's own switches: state machines that run, and AWS's managed policies known to IAM."""
    wanted = {
        ("stepfunctions", "execute_state_machine"): True,
        ("iam", "load_aws_managed_policies"): True,
    }
    config: dict[str, Any] = default_user_config  # type: ignore[assignment]
    before = {(section, key): config[section][key] for section, key in wanted}
    for (section, key), value in wanted.items():
        config[section][key] = value
    try:
        yield
    finally:
        for (section, key), value in before.items():
            config[section][key] = value
