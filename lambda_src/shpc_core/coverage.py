"""Whether ranges in a row cover their whole exactly once, and from one and the same model.

Shards within a group and parts within a job are checked alike. Says what is wrong in words that
name the range; decides nothing about what happens then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Items `start..stop-1`, as `name` ("shard 7") has them, predicted by that model.

    Without a model they are accounted for, and predicted by none.
    """

    name: str
    start: int
    stop: int
    model_sha256: str | None


def problems(found: Sequence[Covered | None], *, start: int, stop: int) -> list[str]:
    """Every place where `found`, in order, does not cover `start..stop-1` exactly once.

    None stands for a range that is absent and reported elsewhere; its neighbours are not blamed.
    """
    described = []
    at: int | None = start
    for covered in found:
        if covered is None:
            at = None
            continue
        if covered.stop <= covered.start:
            described.append(f"{covered.name} states the range {covered.start}..{covered.stop}")
        if at is not None and covered.start != at:
            described.append(_misfit(at, covered.start, f"before {covered.name}"))
        at = covered.stop
    if at is not None and at != stop:
        described.append(_misfit(at, stop, f"after {_last_name(found)}"))
    return described + _other_models([covered for covered in found if covered is not None])


def _misfit(reached: int, needed: int, where: str) -> str:
    if reached < needed:
        return f"items {reached}..{needed} are missing {where}"
    return f"items {needed}..{reached} are duplicated {where}"


def _last_name(found: Sequence[Covered | None]) -> str:
    last = found[-1] if found else None
    return last.name if last else "the start"


def _other_models(found: Sequence[Covered]) -> list[str]:
    models = [(covered.name, covered.model_sha256) for covered in found if covered.model_sha256]
    return [
        f"{name} was predicted by model {model[:12]}, {models[0][0]} by {models[0][1][:12]}"
        for name, model in models
        if model != models[0][1]
    ]
