"""All that is known of a finished baseline, as JSON values and as a table for a terminal."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from hpc.baseline.bill import Bill
from hpc.baseline.compare import ServerlessFigures
from hpc.baseline.deployment import BaselineDeployment, Machines
from hpc.baseline.run import BaselineRun
from hpc.dataset import Dataset
from hpc.errors import HpcError
from hpc.evaluate import Evaluation
from hpc.summary import PREDICTIONS, write_predictions
from hpc.words import count, percent, seconds, usd
from prices import us_east_1 as prices

SUMMARY = "baseline.json"


@dataclass(frozen=True, kw_only=True)
class BaselineOutcome:
    """A succeeded baseline; `serverless` is the job whose predictions are the same, if compared."""

    deployment: BaselineDeployment
    machines: Machines
    run: BaselineRun
    dataset: Dataset
    evaluation: Evaluation | None
    bill: Bill
    serverless: ServerlessFigures | None


def summarize(outcome: BaselineOutcome) -> dict[str, Any]:
    """The figures as plain JSON values; what is not known is None."""
    run, array, bill = outcome.run, outcome.run.array, outcome.bill
    coverage = run.results.coverage
    return {
        "job_id": run.job_id,
        "batch_id": array.batch_id,
        "stage": outcome.deployment.stage,
        "place": outcome.deployment.place,
        "images": coverage.expected,
        "predicted": coverage.predicted,
        "missing": coverage.missing,
        "duplicated": coverage.duplicated,
        "accuracy": None if outcome.evaluation is None else outcome.evaluation.accuracy,
        "shards": run.results.report.shards,
        "containers": len(array.children),
        "machines": len(bill.machine_s) or None,
        "instance_type": outcome.machines.instance_type,
        "spot": outcome.machines.spot,
        "wall_seconds": round(array.seconds, 3),
        "startup_seconds": round(array.startup_s, 3),
        "reduce_seconds": round(run.reduce_s, 3),
        "vcpu_seconds": round(array.vcpu_s, 3),
        "machine_seconds": sum(bill.machine_s.values()) or None,
        "cost_usd": bill.usd,
        "cost_unknown_because": bill.reason,
        "cost_items_usd": {item.name: item.usd for item in bill.items},
        "cost_region": prices.REGION,
        "cost_prices_as_of": prices.AS_OF,
        "model_sha256": run.results.report.model.sha256,
        "same_predictions_as": None if outcome.serverless is None else asdict(outcome.serverless),
    }


def write_baseline(outcome: BaselineOutcome, folder: Path) -> None:
    """Write predictions.csv and baseline.json into `folder`, baseline.json last: both or neither.

    HpcError where they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            made = Path(unfinished)
            write_predictions(outcome.run.results, outcome.dataset.labels, made / PREDICTIONS)
            (made / SUMMARY).write_text(
                json.dumps(summarize(outcome), indent=2) + "\n", encoding="utf-8"
            )
            (folder / SUMMARY).unlink(missing_ok=True)
            for name in (PREDICTIONS, SUMMARY):
                (made / name).replace(folder / name)
    except OSError as error:
        raise HpcError(f"the results cannot be written to {folder}: {error.strerror}") from error


def print_baseline(console: Console, outcome: BaselineOutcome, folder: Path) -> None:
    """The figures, beside those of the serverless job where there is one, and the cost by item."""
    there = outcome.serverless
    table = Table(
        title=f"baseline {outcome.run.job_id}", title_justify="left", box=box.SIMPLE, title_style=""
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column("virtual machines", overflow="fold")
    if there is not None:
        table.add_column(f"functions, job {there.job_id}", overflow="fold")
    for name, here, other in _rows(outcome):
        table.add_row(name, here, *([] if there is None else [other]))
    table.add_section()
    for item in outcome.bill.items:
        table.add_row("", f"{usd(item.usd, 3):<11}  {item.name} ({item.basis})")
    console.print(table)
    for name in (SUMMARY, PREDICTIONS):
        console.print(str(folder / name), soft_wrap=True, highlight=False, markup=False)


def _rows(outcome: BaselineOutcome) -> list[tuple[str, str, str]]:
    array, machines, bill = outcome.run.array, outcome.machines, outcome.bill
    coverage, there = outcome.run.results.coverage, outcome.serverless
    bought = "Spot" if machines.spot else "on demand"
    known = f"{count(len(bill.machine_s))} × " if bill.machine_s else ""
    rows = [
        ("where", f"stage {outcome.deployment.stage}, {outcome.deployment.place}", ""),
        (
            "images",
            f"{count(coverage.predicted)} predicted, {count(coverage.missing)} missing, "
            f"{count(coverage.duplicated)} duplicated",
            "the same predictions, to the bit",
        ),
        (
            "accuracy",
            "not known: no true labels"
            if outcome.evaluation is None
            else percent(outcome.evaluation.accuracy, 2),
            "",
        ),
        (
            "ran on",
            f"{count(len(array.children))} containers on {known}{machines.instance_type}, {bought}",
            "" if there is None else f"{count(there.environments)} environments",
        ),
        (
            "wall time",
            f"{seconds(array.seconds)} from submission to the last container's end",
            "" if there is None else f"{seconds(there.seconds)} from start to report",
        ),
        (
            "start-up",
            f"{seconds(array.startup_s)} until the first container ran",
            "" if there is None else f"{seconds(there.startup_s)} until the first shard",
        ),
        ("reduced here", seconds(outcome.run.reduce_s), "in the wall time"),
        (
            "vCPU-seconds",
            f"{array.vcpu_s:,.1f} in containers",
            "" if there is None else f"{there.vcpu_s:,.1f} in functions",
        ),
    ]
    cost = f"not known: {bill.reason}" if bill.usd is None else f"{usd(bill.usd)}, estimate for "
    rows.append(
        (
            "cost on AWS",
            cost + (prices.REGION if bill.usd is not None else ""),
            "" if there is None else f"{usd(there.usd)}, estimate for {prices.REGION}",
        )
    )
    return rows
