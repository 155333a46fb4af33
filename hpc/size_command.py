"""`hpc size`: how much concurrency a function needs, from what a job measured or from figures."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hpc.errors import HpcError
from hpc.measured import Measured, read_measured
from hpc.sizing import FUNCTIONS, Aims, Load, size
from hpc.sizing_words import explain, on_demand_overrides, warm_overrides
from prices.us_east_1 import Architecture

_AIMS = Aims()


@click.command("size")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Folder that `hpc run --out` wrote, or its summary.json: measured times and memory.",
)
@click.option("--duration-ms", type=float, help="Mean time in the handler. Before --report's.")
@click.option("--cold-start-ms", type=float, help="Mean time to start. Before --report's.")
@click.option("--memory-mb", type=int, help="Memory of the function. Before --report's.")
@click.option(
    "--architecture",
    type=click.Choice(("x86_64", "arm64")),
    help="Default: --report's, else x86_64.",
)
@click.option("--arrivals-per-s", type=float, required=True, help="Invocations/s, on average.")
@click.option("--peak-per-s", type=float, help="Invocations/s at the peak. Default: the average.")
@click.option(
    "--function",
    type=click.Choice(FUNCTIONS),
    default="classify",
    show_default=True,
    help="Which function the overrides are for.",
)
@click.option(
    "--spill-over",
    type=float,
    default=_AIMS.spill_over,
    show_default=True,
    help="Share of invocations that may find no warm environment.",
)
@click.option(
    "--throttled",
    type=float,
    default=_AIMS.throttled,
    show_default=True,
    help="Share of invocations that may be refused at the peak.",
)
@click.option(
    "--target-utilization",
    type=float,
    default=_AIMS.target_utilization,
    show_default=True,
    help="What target tracking aims at.",
)
@click.option(
    "--account-concurrency",
    type=int,
    default=_AIMS.account_concurrency,
    show_default=True,
    help="What the account has in the region.",
)
def size_command(
    report: Path | None,
    duration_ms: float | None,
    cold_start_ms: float | None,
    memory_mb: int | None,
    architecture: str | None,
    arrivals_per_s: float,
    peak_per_s: float | None,
    function: str,
    spill_over: float,
    throttled: float,
    target_utilization: float,
    account_concurrency: int,
) -> None:
    """Compute provisioned and reserved concurrency, say why, and what it costs.

    Asks no cloud. Prints the overrides for the deployment at the end.

    \b
    Examples:
      hpc size --report out/run --arrivals-per-s 40 --peak-per-s 200
      hpc size --function predict --duration-ms 30 --cold-start-ms 400 --memory-mb 1769 \\
        --arrivals-per-s 5 --peak-per-s 50
    """
    measured = None if report is None else read_measured(report)
    load = Load(
        duration_ms=_given("duration-ms", duration_ms, measured, "duration_ms"),
        cold_start_ms=_given("cold-start-ms", cold_start_ms, measured, "cold_start_ms"),
        memory_mb=int(_given("memory-mb", memory_mb, measured, "memory_mb")),
        arrivals_per_s=arrivals_per_s,
        peak_per_s=arrivals_per_s if peak_per_s is None else peak_per_s,
        architecture=cast(
            "Architecture", architecture or (measured.architecture if measured else "x86_64")
        ),
    )
    aims = Aims(
        spill_over=spill_over,
        throttled=throttled,
        target_utilization=target_utilization,
        account_concurrency=account_concurrency,
    )
    found = size(load, aims)
    table = Table(
        title=f"concurrency of {function}", title_justify="left", show_header=False, box=box.SIMPLE
    )
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    if measured is not None:
        table.add_row("measured", Text(f"by job {measured.job_id}, {measured.place}"))
    for figure, reason in explain(function, load, aims, found):
        table.add_row(Text(figure), Text(reason))
    Console().print(table)
    warm, on_demand = warm_overrides(function, aims, found), on_demand_overrides(function, found)
    first, second = (("warm", warm), ("on demand", on_demand))
    for name, overrides in (first, second) if found.pays else (second, first):
        click.echo(f"{name}: {overrides}")


def _given(option: str, value: float | None, measured: Measured | None, name: str) -> float:
    """The option's value, else what was measured."""
    if value is not None:
        return value
    found = None if measured is None else getattr(measured, name)
    if found is not None:
        return float(found)
    if measured is None:
        raise click.UsageError(f"--{option} is needed, or --report with a job that measured it")
    raise HpcError(
        f"job {measured.job_id} had no cold start to measure: give --{option}, or the report of a "
        "job that ran while nothing was warm"
    )
