"""How the functions of a stage share one account's concurrency.

It decides that no job can starve the API and no traffic a job: by shares that fit into the account,
by maps no wider than the share of the function they call, by warm environments within that share.
It raises nothing and corrects nothing.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from settings.errors import Violation
from settings.stage import FunctionSettings, StageSettings

_RESERVED = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
_PROVISIONED = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"

# Lambda refuses a reservation that would leave less to the functions without one.
LAMBDA_UNRESERVED_CONCURRENCY = 100

# Which function each map calls, once for every item at a time.
_MAPS = {"map_concurrency": "classify", "reduce_concurrency": "reduce"}
# What a person waits for. Without a share of their own they live on what the maps leave.
_OF_THE_API = ("predict", "jobs")


def concurrency_rules(stage: StageSettings) -> Iterator[Violation]:
    """Every way in which the functions of `stage` get in each other's way, or in the account's."""
    for name, function in stage.functions.items():
        yield from _share(name, function)
    yield from _shares_together(stage)
    yield from _warm_without_share(stage)
    for width, function_name in _MAPS.items():
        yield from _map_width(stage, width, function_name)


def reserved_concurrency(stage: StageSettings) -> int:
    """What the functions of `stage` reserve of the account, together."""
    return sum(function.reserved_concurrency or 0 for function in stage.functions.values())


def _share(name: str, function: FunctionSettings) -> Iterator[Violation]:
    reserved = function.reserved_concurrency
    if reserved is None:
        return
    if reserved < 1:
        allowed = f"at least 1, or none for no share; 0 lets no call through ({_RESERVED})"
        yield Violation(f"{name}.reserved_concurrency", reserved, allowed)
        return
    warm = function.provisioned
    if warm is not None and warm.maximum > reserved:
        allowed = f"at most {name}.reserved_concurrency, {reserved} ({_PROVISIONED})"
        yield Violation(f"{name}.provisioned.maximum", warm.maximum, allowed)


def _shares_together(stage: StageSettings) -> Iterator[Violation]:
    reserving = [name for name, each in stage.functions.items() if each.reserved_concurrency]
    total = reserved_concurrency(stage)
    spare = max(stage.account_concurrency - LAMBDA_UNRESERVED_CONCURRENCY, 0)
    if total > spare:
        allowed = (
            f"together at most {spare}: account_concurrency, {stage.account_concurrency}, less the "
            f"{LAMBDA_UNRESERVED_CONCURRENCY} that Lambda keeps unreserved ({_RESERVED}). An "
            f"account that small does without shares: {_overrides(reserving)}"
        )
        yield Violation(_summed(reserving, "reserved_concurrency"), total, allowed)


def _overrides(names: Iterable[str]) -> str:
    return " ".join(f"-c {name}.reserved_concurrency=none" for name in names)


def _warm_without_share(stage: StageSettings) -> Iterator[Violation]:
    """Warm environments of functions without a share come out of what nobody has reserved."""
    warm = {
        name: function.provisioned.maximum
        for name, function in stage.functions.items()
        if function.provisioned is not None and function.reserved_concurrency is None
    }
    spare = max(_unreserved(stage) - LAMBDA_UNRESERVED_CONCURRENCY, 0)
    if warm and sum(warm.values()) > spare:
        allowed = (
            f"together at most {spare}: account_concurrency less what is reserved and less the "
            f"{LAMBDA_UNRESERVED_CONCURRENCY} that Lambda keeps unreserved ({_PROVISIONED})"
        )
        yield Violation(_summed(warm, "provisioned.maximum"), sum(warm.values()), allowed)


def _unreserved(stage: StageSettings) -> int:
    return max(stage.account_concurrency - reserved_concurrency(stage), 0)


def _summed(names: Iterable[str], setting: str) -> str:
    return " + ".join(f"{name}.{setting}" for name in names)


def _map_width(stage: StageSettings, field: str, function_name: str) -> Iterator[Violation]:
    width = getattr(stage, field)
    reserved = stage.functions[function_name].reserved_concurrency
    if reserved is not None:
        if width > reserved:
            allowed = (
                f"at most {function_name}.reserved_concurrency, {reserved}: whatever a map starts "
                f"beyond it is throttled until its retries are used up ({_RESERVED})"
            )
            yield Violation(field, width, allowed)
        return
    left = _unreserved(stage)
    waiting = [name for name in _OF_THE_API if stage.functions[name].reserved_concurrency is None]
    # Room for those of the API that share it: a tenth, and never less than one place each.
    widest = left - max(left // 10, len(waiting)) if waiting else left
    if width > widest:
        leaving = f", leaving some for {' and '.join(waiting)}" if waiting else ""
        allowed = (
            f"at most {widest} of the {left} that account_concurrency has unreserved{leaving}, "
            f"because {function_name} has no reserved_concurrency ({_RESERVED})"
        )
        yield Violation(field, width, allowed)
