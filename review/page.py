"""The one page: what a reviewer asks of a stage, section by section, as tables of text.

It decides what is asked and in which order; the answers come from the other modules. How a table is
shown, in a terminal or in Markdown, is decided in review/show.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prices import us_east_1 as prices
from prices.price import Price
from review.assembly import Assembly
from review.changes import Change
from review.exposure import doors
from review.golden import ACCEPT
from review.idle import Charge, Idle, idle
from review.permissions import NO_REASON, permissions, trusts
from review.retention import kept
from review.schemas import schema_of

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table with what there is to say about it; `findings` are what must not be overlooked."""

    title: str
    columns: Row
    rows: tuple[Row, ...]
    note: str = ""
    findings: tuple[str, ...] = ()


def page(assembly: Assembly, changed: Iterable[Change]) -> list[Section]:
    """Everything about `assembly`; `changed` is what differs from what was accepted."""
    return [
        _changes(tuple(changed)),
        _resources(assembly),
        _permissions(assembly),
        _trusts(assembly),
        _doors(assembly),
        _kept(assembly),
        _idle(idle(assembly)),
    ]


def _changes(changed: tuple[Change, ...]) -> Section:
    return Section(
        title="Changed since the golden templates",
        columns=("what", "resource", "type", "details"),
        rows=tuple(
            (
                f"{change.effect}{', security' if change.security else ''}",
                f"{change.stack}/{change.name}",
                change.kind,
                "\n".join(change.details),
            )
            for change in changed
        ),
        note=f"security first, then what is lost; {ACCEPT} accepts" if changed else "nothing",
    )


def _resources(assembly: Assembly) -> Section:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key, resource in assembly.resources().items():
        counts[resource["Type"]][key.partition("/")[0]] += 1
    total = sum(sum(by_stack.values()) for by_stack in counts.values())
    return Section(
        title="Resources",
        columns=("type", *assembly.stacks),
        rows=tuple(
            (kind, *(str(by_stack[stack] or "") for stack in assembly.stacks))
            for kind, by_stack in sorted(counts.items())
        ),
        note=f"{total} resources in {len(assembly.stacks)} stacks",
        findings=tuple(
            f"{kind} is a type that AWS's schemas do not know"
            for kind in sorted(counts)
            if schema_of(kind) is None
        ),
    )


def _permissions(assembly: Assembly) -> Section:
    found = permissions(assembly)
    return Section(
        title="Who may do what",
        columns=("role", "may", "on", "why on everything, or when"),
        rows=tuple(
            (
                one.who,
                f"NOT {one.words}" if one.denied else one.words,
                one.resource,
                "; ".join(filter(None, (one.reason, one.condition))),
            )
            for one in found
        ),
        note="<…> is a resource by its path; ARNs are of this account and region; the reasons are "
        "those of stacks/checks/unbounded.py",
        findings=tuple(
            f"{one.who} may {', '.join(one.actions)} on everything, without a reason"
            for one in found
            if one.reason == NO_REASON
        ),
    )


def _trusts(assembly: Assembly) -> Section:
    return Section(
        title="Who may act as a role",
        columns=("role", "service", "when"),
        rows=tuple((one.who, one.service, one.condition) for one in trusts(assembly)),
    )


def _doors(assembly: Assembly) -> Section:
    found = doors(assembly)
    return Section(
        title="What can be reached",
        columns=("what", "by whom", "how"),
        rows=tuple((door.what, door.who, door.how) for door in found),
        findings=tuple(f"{door.what} is open to everybody" for door in found if door.to_everybody),
    )


def _kept(assembly: Assembly) -> Section:
    grouped: dict[Row, list[str]] = defaultdict(list)
    for one in kept(assembly):
        grouped[one.kind, one.on_destroy, one.until_then].append(one.name)
    return Section(
        title="What a destroy leaves, and what protects it until then",
        columns=("what", "type", "on destroy", "until then"),
        rows=tuple((", ".join(names), *rest) for rest, names in grouped.items()),
    )


def _idle(found: Idle) -> Section:
    return Section(
        title="What it costs while idle",
        columns=("what", "$ a month", "why", "price"),
        rows=tuple(_charges(found)),
        note=f"{dollars(found.usd)} a month in {prices.REGION}, prices of {prices.AS_OF}, beside "
        "what is stored; no free tier, no taxes",
        findings=tuple(
            f"{name}: what {kind} costs is unknown" for name, kind in sorted(found.unknown.items())
        ),
    )


def _charges(found: Idle) -> Iterator[Row]:
    """The dearest first; what is charged alike stands together."""
    alike: dict[Charge, list[str]] = defaultdict(list)
    for name, charges in found.charges.items():
        for charge in charges:
            alike[charge].append(name)
    for charge, names in sorted(alike.items(), key=lambda one: -one[0].usd * len(one[1])):
        amount = dollars(charge.usd)
        if len(names) > 1:
            amount = f"{amount} each, {dollars(charge.usd * len(names))}"
        yield (", ".join(sorted(names)), amount, charge.what, charge.price.source)
    stored: dict[Price, list[str]] = defaultdict(list)
    for name, price in found.storage.items():
        stored[price].append(name)
    for price, names in stored.items():
        rate = f"${price.usd:g} per {price.unit}"
        yield (", ".join(sorted(names)), "by what is stored", rate, price.source)


def dollars(usd: float) -> str:
    """An amount in US dollars, to the cent."""
    return f"${usd:,.2f}"
