"""What a command prints for a person: the summary of a job, its state, predictions of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hpc.api import Failures, JobStatus
from hpc.outcome import JobOutcome
from hpc.summary import PREDICTIONS, REPORT, SUMMARY
from hpc.words import count, percent, seconds, usd
from prices import us_east_1 as prices
from shpc_core.pictures import Prediction

# Lost shards that are named one by one.
_NAMED = 10


def print_outcome(console: Console, outcome: JobOutcome, folder: Path) -> None:
    """The end of a job: its figures, the cost item by item, and where the files are."""
    coverage = outcome.results.coverage
    evaluation = outcome.evaluation
    throttles = outcome.throttles
    facts = [
        ("where", f"stage {outcome.deployment.stage}, {outcome.deployment.place}"),
        (
            "images",
            f"{count(coverage.predicted)} predicted, {count(coverage.missing)} missing, "
            f"{count(coverage.duplicated)} duplicated",
        ),
        (
            "accuracy",
            "not known: no true labels"
            if evaluation is None
            else f"{percent(evaluation.accuracy, 2)} "
            f"(95 % interval {percent(evaluation.interval[0])} to "
            f"{percent(evaluation.interval[1])})"
            + ("" if outcome.is_complete else f" of the {count(outcome.images)} predicted"),
        ),
        (
            "job",
            f"{seconds(outcome.seconds)}, {count(outcome.images_per_second)} images/s"
            + ("" if outcome.clock == "client" else " (execution's start to stop)"),
        ),
        (
            "shards",
            f"{count(outcome.results.report.shards)} on {count(outcome.environments)} "
            f"environments: {count(outcome.provisioned)} provisioned, "
            f"{count(outcome.on_demand)} on demand, {count(outcome.cold_starts)} cold starts",
        ),
        ("retries", count(outcome.retries)),
        *([("redrives", count(outcome.redrives))] if outcome.redrives else []),
        (
            "throttles",
            f"not known: {throttles.reason}" if throttles.count is None else count(throttles.count),
        ),
    ]
    table = Table(
        title=f"job {outcome.job_id}", title_justify="left", show_header=False, box=box.SIMPLE
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(value))
    table.add_section()
    table.add_row("cost on AWS", f"{usd(outcome.cost.usd)}, estimate for {prices.REGION}")
    for item in outcome.cost.items:
        table.add_row("", f"{usd(item.usd, 3):<11}  {item.name} ({item.basis})")
    console.print(table)
    if not outcome.is_complete:
        _print_missing(console, outcome)
    for name in (REPORT, SUMMARY, PREDICTIONS):
        console.print(str(folder / name), soft_wrap=True, highlight=False, markup=False)


def _print_missing(console: Console, outcome: JobOutcome) -> None:
    """What is not there, so that nobody takes the rest for the whole."""
    coverage, lost = outcome.results.coverage, outcome.missing_shards
    title = (
        f"INCOMPLETE: {count(coverage.missing)} of {count(coverage.expected)} images are missing, "
        f"{count(len(lost))} of {count(outcome.results.report.shards)} shards lost"
    )
    lines = [
        f"shard {one.shard} (items {one.start}..{one.stop}): {one.error}" for one in lost[:_NAMED]
    ]
    if len(lost) > _NAMED:
        lines.append(f"and {count(len(lost) - _NAMED)} more, in {SUMMARY}")
    console.print(Panel(Text("\n".join(lines)), title=Text(title), border_style="bold red"))


def print_status(console: Console, status: JobStatus, *, stage: str) -> None:
    """One job's state in a few lines, and the command that goes on from there."""
    console.print(f"job {status.job_id}: {status.status}", highlight=False, soft_wrap=True)
    if status.shards is not None:
        shards = status.shards
        console.print(
            f"shards: {shards.succeeded} of {shards.total} done, {shards.running} running, "
            f"{shards.pending} pending, {shards.failed} failed",
            highlight=False,
            soft_wrap=True,
        )
    if status.report is not None and not status.report.complete:
        report = status.report
        console.print(
            f"INCOMPLETE: {report.missing} of {report.images} images are missing, "
            f"{len(report.missing_shards)} of {report.shards} shards lost",
            style="bold red",
            highlight=False,
            soft_wrap=True,
        )
    for name, text in (("error", status.error), ("cause", status.cause)):
        if text:
            console.print(f"{name}: {text}", highlight=False, soft_wrap=True, markup=False)
    if status.redrive_count:
        console.print(f"redrives: {count(status.redrive_count)}", highlight=False)
    if status.failures is not None:
        _print_failures(console, status.failures)
    ways_on = []
    if status.status == "SUCCEEDED":
        ways_on.append(f"its results: hpc fetch {status.job_id} --stage {stage}")
    if status.is_redrivable:
        ways_on.append(f"can be redriven: hpc redrive {status.job_id} --stage {stage}")
    for way_on in ways_on:
        console.print(way_on, highlight=False, soft_wrap=True, markup=False)


def _print_failures(console: Console, failures: Failures) -> None:
    for one in failures.listed:
        items = "" if one.start is None else f" (items {one.start}..{one.stop})"
        error = one.error or "the record cannot be read"
        state = "recovered since" if one.recovered else "not recovered"
        line = f"recorded: {one.kind} {one.number}{items}: {error}, {state}"
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    hidden = failures.recorded - len(failures.listed)
    if hidden or failures.more:
        least = "at least " if failures.more else ""
        console.print(f"recorded: {least}{count(hidden)} more", highlight=False)


def print_predictions(
    console: Console, pictures: Sequence[Path], predictions: Sequence[Prediction]
) -> None:
    """One line per picture, however long its path."""
    widest = max(len(str(path)) for path in pictures)
    for path, prediction in zip(pictures, predictions, strict=True):
        console.print(
            f"{path!s:<{widest}}  {prediction.name:<11}  {percent(prediction.confidence):>7}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
