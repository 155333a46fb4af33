"""`make chaos`: disturb many jobs from outside, judge each, and say so in a table.

The same seed plans the same faults. A job that failed is repeated alone with
`python -m chaos --seed S --job N`. Ends with 1 if anything was violated.
"""

from __future__ import annotations

import logging
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

from chaos.campaign import Campaign
from chaos.ledger import Ledger
from chaos.progress import CampaignProgress
from chaos.table import rows, table
from localcloud.images.virtual_environment import RUNTIME_INTERFACE_CLIENT

# A log has no width of its own; the table needs this much.
_LOG_WIDTH = 140
_VERSIONS = ("moto", "aws-cdk-lib", "boto3", "obstore", "ai-edge-litert")


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, help="What the schedule is drawn from.")
@click.option("--job", "only", type=click.IntRange(min=0), help="Repeat this one job alone.")
@click.option(
    "--at-once", default=8, show_default=True, type=click.IntRange(1, 32), help="Jobs in a wave."
)
@click.option(
    "--out",
    default=Path("out/chaos"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the raw lines, campaign-<seed>.jsonl or job-<seed>-<number>.jsonl.",
)
def main(jobs: int, seed: int, only: int | None, at_once: int, out: Path) -> None:
    """Runs the campaign and prints what came of it."""
    # The cloud logs what the campaign does to it; the ledger is where to look.
    logging.getLogger("localcloud").setLevel(logging.CRITICAL)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _LOG_WIDTH)
    numbers = range(jobs) if only is None else [only]
    name = f"campaign-{seed}" if only is None else f"job-{seed}-{only}"
    path = out / f"{name}.jsonl"
    with Ledger(path, seed=seed) as ledger, CampaignProgress(console, len(numbers)) as progress:
        ledger.add_note(
            "campaign",
            jobs=len(numbers),
            python=platform.python_version(),
            **{package: version(package) for package in _VERSIONS},
            awslambdaric=RUNTIME_INTERFACE_CLIENT.partition("==")[2],
        )
        campaign = Campaign(
            seed=seed, numbers=numbers, at_once=at_once, ledger=ledger, progress=progress
        )
        campaign.run()
    console.print(table(seed, rows(ledger.struck, ledger.judged)))
    violations = len(campaign.violations) + sum(len(job.violations) for job in ledger.judged)
    console.print(f"raw lines: {path}", highlight=False)
    if violations:
        console.print(f"[red]{violations} violations[/red]")
        sys.exit(1)
    console.print("[green]✓[/green] nothing violated")


if __name__ == "__main__":
    main()
