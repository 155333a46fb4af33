"""What the alarms and the dashboard of a synthesized stage look at, as plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.stacks.synthesized import Synthesized, as_text

_SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\"")


@dataclass(frozen=True)
class Named:
    """A metric by its name and the names of its dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[str]


def alarms(stage: Synthesized) -> dict[str, dict[str, Any]]:
    """Logical ID without its hash -> properties."""
    return {
        name.partition("/")[2][:-8]: resource["Properties"]
        for name, resource in stage.resources("AWS::CloudWatch::Alarm").items()
    }


def dashboard(stage: Synthesized) -> dict[str, Any]:
    """The body of the one dashboard, references replaced by readable text."""
    body = stage.only("AWS::CloudWatch::Dashboard")["Properties"]["DashboardBody"]
    return json.loads(as_text(body))


def rows(stage: Synthesized) -> Iterator[list[Any]]:
    """Every line of every widget that shows metrics."""
    for widget in dashboard(stage)["widgets"]:
        yield from widget["properties"].get("metrics", [])


def expressions(stage: Synthesized) -> list[str]:
    """Metric math of the dashboard."""
    return [row[0]["expression"] for row in rows(stage) if isinstance(row[0], dict)]


def of_alarm(properties: dict[str, Any]) -> Iterator[tuple[Named, dict[str, str]]]:
    """The metrics that an alarm looks at, each with its dimensions."""
    found = [properties] if "MetricName" in properties else []
    found += [
        query["MetricStat"]["Metric"]
        for query in properties.get("Metrics", [])
        if "MetricStat" in query
    ]
    for metric in found:
        dimensions = {each["Name"]: as_text(each["Value"]) for each in metric["Dimensions"]}
        yield Named(metric["Namespace"], metric["MetricName"], frozenset(dimensions)), dimensions


def of_dashboard(stage: Synthesized) -> Iterator[Named]:
    """The metrics that the dashboard shows, those of searches included."""
    for row in rows(stage):
        match row:
            case [str(namespace), str(name), *rest]:
                texts = [part for part in rest if isinstance(part, str)]
                yield Named(namespace, name, frozenset(texts[::2]))
            case [{"expression": str(text)}] if found := _SEARCH.search(text):
                namespace, *dimensions = found[1].split(",")
                yield Named(namespace, found[2], frozenset(dimensions))


def named(stage: Synthesized) -> set[Named]:
    """Every metric that an alarm or the dashboard asks for."""
    alarmed = {
        metric for properties in alarms(stage).values() for metric, _ in of_alarm(properties)
    }
    return alarmed | set(of_dashboard(stage))
