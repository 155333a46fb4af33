"""What the machines cost on AWS: every machine by the second, a minute at least, on demand.

Batch says when containers ran, not when machines did. A machine is taken to be paid for from the
job's submission to the end of its last container, which is too early by the time until it is
launched and too short by the time until Batch ends it when it is idle; both are not told by Batch.
A Spot machine costs less than it would on demand; by how much changes, so the price on demand
stands as the most it can be. What is not known is None with its reason, never 0.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil

from hpc.baseline.array_job import EndedArray
from hpc.baseline.deployment import Machines
from hpc.cost import CostItem
from prices import us_east_1 as prices
from prices.machines import machine_hour

_LEAST_S = 60
_HOUR_S = 3600
# The root volume of Amazon's ECS image:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/al2-and-al2023-considerations.html
_VOLUME_GB = 30


@dataclass(frozen=True, kw_only=True)
class ArrayVolume:
    """Numbers of things that cost by the request."""

    shards: int
    groups: int
    has_labels: bool
    objects_checked: int
    objects_uploaded: int


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Seconds for which each machine is paid, by its ARN; `items` is empty and `reason` says why
    where there is no price.
    """

    machine_s: dict[str, int]
    items: tuple[CostItem, ...]
    reason: str | None = None

    @property
    def usd(self) -> float | None:
        """US dollars, all items together."""
        return sum(item.usd for item in self.items) if self.items else None


def bill(array: EndedArray, machines: Machines, volume: ArrayVolume) -> Bill:
    """The cost of an array job from its submission to its results."""
    attempts = [attempt for child in array.children for attempt in child.attempts]
    last: defaultdict[str, float] = defaultdict(float)
    for attempt in attempts:
        if attempt.machine is None:
            return Bill(machine_s={}, items=(), reason="AWS Batch named no machine of a container")
        last[attempt.machine] = max(last[attempt.machine], attempt.stopped_at)
    machine_s = {
        machine: max(_LEAST_S, ceil(stopped_at - array.created_at))
        for machine, stopped_at in last.items()
    }
    price = machine_hour(machines.instance_type)
    if price is None:
        reason = f"no price of {machines.instance_type} is known here"
        return Bill(machine_s=machine_s, items=(), reason=reason)
    hours = sum(machine_s.values()) / _HOUR_S
    bought = "on demand, the most that Spot costs" if machines.spot else "on demand"
    return Bill(
        machine_s=machine_s,
        items=(
            CostItem(
                name=f"{machines.instance_type} {bought}",
                quantity=hours,
                price=price,
                basis="assumed",
            ),
            CostItem(
                name="public addresses", quantity=hours, price=prices.PUBLIC_IPV4, basis="assumed"
            ),
            CostItem(
                name="volumes",
                quantity=_VOLUME_GB * hours / prices.HOURS_PER_MONTH,
                price=prices.EBS_GP3_STORAGE,
                basis="assumed",
            ),
            CostItem(
                name="S3 writes", quantity=_writes(volume), price=prices.S3_WRITE, basis="counted"
            ),
            CostItem(
                name="S3 reads",
                quantity=_reads(volume, len(array.children)),
                price=prices.S3_READ,
                basis="counted",
            ),
        ),
    )


def _writes(volume: ArrayVolume) -> int:
    plan = 2  # shards.json, groups.json
    parts = 2 * volume.groups  # columns and summary
    report = 1
    return volume.objects_uploaded + plan + volume.shards + parts + report


def _reads(volume: ArrayVolume, children: int) -> int:
    labels = 1 if volume.has_labels else 0
    plan = 2 * (1 + labels)  # size and header of each input
    shards = 2 * volume.shards  # a slice of images; later the shard's columns
    groups = volume.groups * (2 * labels + 1)  # size and labels; later the part's summary
    fetched = 1 + 2 * volume.groups  # the report, columns and summaries
    return volume.objects_checked + plan + children + shards + groups + fetched
