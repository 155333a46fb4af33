"""How results came in: images finished against time, on the timeline's own axis.

A curve is a path in a box of 1000 by 100 units that the template stretches to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpc.report.timeline import Timeline
from shpc_core.telemetry import Telemetry

BOX_WIDTH, BOX_HEIGHT = 1000, 100


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """The curve, and images per second while shards ran and over the whole job."""

    line: str
    area: str
    images: int
    classify_images_per_s: float
    half_done_s: float


def trace_throughput(
    telemetry: Sequence[Telemetry], *, images: int, timeline: Timeline
) -> Throughput:
    """Step up at every shard's end.

    A shard's telemetry does not say how many images it held, so each counts for the mean; the plan
    makes all shards but the last of one size.
    """
    ends = sorted(one.ended_at - timeline.origin_s for one in telemetry)
    steps = ["M0,100"]
    for number, end in enumerate(ends, start=1):
        steps.append(f"H{BOX_WIDTH * end / timeline.span_s:.2f}")
        steps.append(f"V{BOX_HEIGHT * (1 - number / len(ends)):.2f}")
    steps.append(f"H{BOX_WIDTH}")
    line = "".join(steps)
    classify = next(phase for phase in timeline.phases if phase.name == "classify")
    return Throughput(
        line=line,
        area=f"{line}V{BOX_HEIGHT}Z",
        images=images,
        classify_images_per_s=images / classify.seconds,
        half_done_s=ends[(len(ends) - 1) // 2],
    )
