"""Puts the page together: figures from their modules, words from the outcome, one HTML text out.

The page asks nothing of the network and runs no script; its own Content-Security-Policy holds it to
that. Every value is escaped by the template engine.
"""

from __future__ import annotations

import statistics
from datetime import UTC

from jinja2 import Environment, PackageLoader, StrictUndefined

from hpc.outcome import JobOutcome
from hpc.report.confusion import shade_confusion
from hpc.report.gallery import Gallery, choose_pictures
from hpc.report.throughput import trace_throughput
from hpc.report.timeline import lay_out_timeline
from hpc.words import FILTERS, count
from prices import us_east_1 as prices
from shpc_core.labels import CLASS_NAMES

_MOST_TABLE_SHARDS = 1000


def render_report(outcome: JobOutcome) -> str:
    """The whole page as HTML text."""
    environment = Environment(
        loader=PackageLoader("hpc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    results = outcome.results
    timeline = lay_out_timeline(
        results.telemetry, started_at=outcome.started_at, stopped_at=outcome.stopped_at
    )
    return environment.get_template("report.html.j2").render(
        job=outcome,
        deployment=outcome.deployment,
        report=results.report,
        coverage=results.coverage,
        cost=outcome.cost,
        evaluation=outcome.evaluation,
        finished=f"{outcome.stopped_at.astimezone(UTC):%d %B %Y, %H:%M UTC}".lstrip("0"),
        confusion=shade_confusion(outcome.evaluation) if outcome.evaluation else (),
        predicted_counts=zip(CLASS_NAMES, results.report.label_counts, strict=True),
        galleries=_galleries(outcome),
        timeline=timeline,
        throughput=trace_throughput(results.telemetry, images=outcome.images, timeline=timeline),
        telemetry=results.telemetry[:_MOST_TABLE_SHARDS],
        hidden_shards=max(0, len(results.telemetry) - _MOST_TABLE_SHARDS),
        execution_facts=_execution_facts(outcome),
        provenance=_provenance(outcome),
        price_region=prices.REGION,
        price_date=prices.AS_OF,
    )


def _galleries(outcome: JobOutcome) -> tuple[Gallery, ...]:
    if outcome.dataset is None:
        return ()
    return choose_pictures(
        outcome.dataset.images,
        outcome.results.index,
        outcome.results.label,
        outcome.results.confidence,
        outcome.dataset.labels,
    )


def _execution_facts(outcome: JobOutcome) -> list[tuple[str, str]]:
    telemetry = outcome.results.telemetry
    durations_ms = sorted(one.duration_ms for one in telemetry)
    throttles = outcome.throttles.count
    memory_mb = " and ".join(count(size) for size in sorted({one.memory_mb for one in telemetry}))
    return [
        ("Shards", count(len(telemetry))),
        ("Execution environments", count(outcome.environments)),
        ("Invocations on provisioned environments", count(outcome.provisioned)),
        ("On demand", count(outcome.on_demand)),
        ("Cold starts", count(outcome.cold_starts)),
        ("Retries", count(outcome.retries)),
        *([("Redrives", count(outcome.redrives))] if outcome.redrives else []),
        ("Throttles", "not known" if throttles is None else count(throttles)),
        ("Shard duration, median", f"{statistics.median(durations_ms):,.0f} ms"),
        ("Shard duration, longest", f"{durations_ms[-1]:,.0f} ms"),
        ("Memory", f"{max(one.max_rss_mb for one in telemetry):,.0f} of {memory_mb} MB at peak"),
    ]


def _provenance(outcome: JobOutcome) -> list[tuple[str, str, bool]]:
    dataset = outcome.dataset
    facts = [
        ("Where", outcome.deployment.place, False),
        ("Stage", outcome.deployment.stage, False),
        ("Job", outcome.job_id, True),
        ("Model, sha256", outcome.results.report.model.sha256, True),
    ]
    if dataset is not None:
        facts.append(("Images", str(dataset.images_path), True))
        if dataset.labels_path is not None:
            facts.append(("True labels", str(dataset.labels_path), True))
    if outcome.throttles.reason is not None:
        facts.append(("Why throttles are not known", outcome.throttles.reason, True))
    return facts
