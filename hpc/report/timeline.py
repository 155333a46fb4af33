"""Where each shard ran and when: one row per execution environment, a bar per invocation.

Only geometry and words; the template draws. Horizontal positions are per cent of the job's time, so
that the drawing can be as wide as the page; heights are pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hpc.report.axis import Tick, axis_ticks
from shpc_core.telemetry import Telemetry

MOST_ROWS = 48
_ROOMY_ROWS = 24
_ROOMY_PX, _TIGHT_PX = 40, 14


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One invocation; `init` is the (start, width) of its environment's start, if it was cold."""

    start: float
    width: float
    init: tuple[float, float] | None
    init_label: str | None
    retried: bool
    title: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One execution environment, `top` pixels from the first row's top."""

    top: int
    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of the job."""

    name: str
    start: float
    width: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The figure. `hidden_rows` environments beyond MOST_ROWS are counted, not drawn."""

    rows: tuple[Row, ...]
    row_px: int
    height_px: int
    phases: tuple[Phase, ...]
    ticks: tuple[Tick, ...]
    origin_s: float
    span_s: float
    hidden_rows: int

    @property
    def is_roomy(self) -> bool:
        """Whether rows are high enough for words."""
        return self.row_px == _ROOMY_PX

    @property
    def named_rows(self) -> tuple[Row, ...]:
        """The rows to write names beside: all, or where they are low the first and every eighth."""
        if self.is_roomy:
            return self.rows
        return (self.rows[0], *self.rows[7::8])


def lay_out_timeline(
    telemetry: Sequence[Telemetry], *, started_at: datetime, stopped_at: datetime
) -> Timeline:
    """Lay out at least one invocation between the execution's start and stop.

    The axis begins at the execution's start, or before it where an environment's clock says so.
    """
    first = min(one.started_at - _init_s(one) for one in telemetry)
    last = max(one.ended_at for one in telemetry)
    origin_s = min(started_at.timestamp(), first)
    end_s = max(stopped_at.timestamp(), last)
    span_s = end_s - origin_s

    def percent(seconds: float) -> float:
        return 100 * seconds / span_s

    by_environment: defaultdict[str, list[Telemetry]] = defaultdict(list)
    for one in sorted(telemetry, key=lambda one: one.started_at):
        by_environment[one.environment].append(one)
    environments = sorted(by_environment.values(), key=lambda runs: runs[0].started_at)
    row_px = _ROOMY_PX if len(environments) <= _ROOMY_ROWS else _TIGHT_PX
    drawn = environments[:MOST_ROWS]
    return Timeline(
        rows=tuple(
            Row(
                top=number * row_px,
                name=f"{number + 1}",
                bars=tuple(_bar(one, origin_s, span_s) for one in runs),
            )
            for number, runs in enumerate(drawn)
        ),
        row_px=row_px,
        height_px=row_px * len(drawn),
        phases=tuple(
            Phase(
                name=name,
                start=percent(begin - origin_s),
                width=percent(end - begin),
                seconds=end - begin,
            )
            for name, begin, end in (
                ("start and plan", origin_s, first),
                ("classify", first, last),
                ("reduce and report", last, end_s),
            )
        ),
        ticks=axis_ticks(span_s),
        origin_s=origin_s,
        span_s=span_s,
        hidden_rows=len(environments) - len(drawn),
    )


def _bar(one: Telemetry, origin_s: float, span_s: float) -> Bar:
    begin = one.started_at - origin_s
    init_s = _init_s(one)
    words = [
        f"shard {one.shard}",
        f"{begin:.2f} to {one.ended_at - origin_s:.2f} s",
        f"{one.duration_ms:,.0f} ms",
        f"cold, init {1000 * init_s:,.0f} ms" if one.cold else _warmth(one),
    ]
    if one.attempt:
        words.append(f"retry {one.attempt}")
    return Bar(
        start=100 * begin / span_s,
        width=100 * (one.ended_at - one.started_at) / span_s,
        init=(100 * (begin - init_s) / span_s, 100 * init_s / span_s) if init_s else None,
        init_label=f"init {1000 * init_s:,.0f} ms" if init_s else None,
        retried=one.attempt > 0,
        title=", ".join(words),
    )


def _warmth(one: Telemetry) -> str:
    return "provisioned" if one.provisioned else "warm"


def _init_s(one: Telemetry) -> float:
    """How long the environment took to start for this invocation, 0 where it was there already."""
    return (one.init_ms or 0.0) / 1000
