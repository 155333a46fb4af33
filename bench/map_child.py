"""What orchestrating one child of a Distributed Map costs, as processor time.

The functions are no-ops in the process of the orchestration, so what is left is reading the item,
evaluating the child's states, recording it and collecting its answer. moto's own interpreter runs
the same definition, unpatched, on as many children as it survives (near 2,400 it stops with a
RecursionError). Each run is a process of its own; the polling of its end is in its figure.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

from bench.figure import Figure, interleaved
from bench.images import ROOT
from bench.processes import run_measured
from bench.record import Goal, Result, Series, over


@dataclass(frozen=True, kw_only=True)
class Amount:
    """`children` are compared with moto's own, `many` run on the cloud alone."""

    rounds: int
    children: int
    many: int


def measure(amount: Amount) -> Result:
    """The cloud, moto's own interpreter and the cloud with many children, in turn."""
    taken = interleaved(
        amount.rounds,
        {
            "cloud": lambda: _run("cloud", amount.children),
            "stock": lambda: _run("stock", amount.children),
            "many": lambda: _run("cloud", amount.many),
        },
    )

    def cpu_ms(side: str, told: str) -> Series:
        return Series(
            name=told,
            unit="ms of CPU per child",
            values=tuple(1000 * run["cpu_s"] / run["items"] for run in taken[side]),
        )

    ours = cpu_ms("cloud", f"the cloud, {amount.children:,} children")
    stock = cpu_ms("stock", f"moto's own interpreter, {amount.children:,} children")
    many = cpu_ms("many", f"the cloud, {amount.many:,} children")
    grown = Series(
        name=f"resident memory gained by {amount.many:,} children",
        unit="MiB",
        values=tuple(run["peak_mb"] - run["resident_before_mb"] for run in taken["many"]),
    )
    seconds = Series(
        name=f"{amount.many:,} children",
        unit="s",
        values=tuple(run["wall_s"] for run in taken["many"]),
    )
    return Result(
        figure=FIGURE.name,
        title="Orchestration of one map child",
        series=(ours, stock, many, seconds, grown),
        ratios=(
            over(
                "the cloud / moto's own",
                ours,
                stock,
                goal=Goal(sense="at most", bound=0.2),
            ),
            over(f"{amount.many:,} children / {amount.children:,}, each", many, ours),
        ),
        notes=("Functions are no-ops in the same process on both sides.",),
        raw={"amount": asdict(amount), **{side: list(runs) for side, runs in taken.items()}},
    )


def _run(platform: str, items: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.map_run", platform, str(items)]
    # moto's own interpreter takes keys and address from the environment: nobody's keys, no address.
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    answer: dict[str, Any] = run_measured(command, environ={**others, **keys}, cwd=ROOT).answer
    return answer


FIGURE = Figure(
    name="map-child",
    summary="CPU per Distributed Map child against moto's own interpreter",
    measure=measure,
    quick=Amount(rounds=1, children=500, many=10_000),
    full=Amount(rounds=5, children=500, many=10_000),
)
