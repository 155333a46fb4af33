"""What a job costs on AWS, item by item: measured where the job measured itself, counted elsewhere.

An estimate for us-east-1 on demand. In it: the shards' billed time from their own telemetry, every
request and state transition that the workflow's shape makes, children of a map taken for STANDARD.
Not in it: failed attempts' time (they leave no telemetry), multipart uploads' extra requests, logs,
traces, storage, data transfer, the free tier, and what keeping environments provisioned costs
between jobs: `hpc size` computes that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prices import us_east_1 as prices
from prices.price import Price
from prices.us_east_1 import Architecture
from shpc_core.telemetry import Telemetry

Basis = Literal["measured", "counted", "assumed"]

# Plan, ClassifyShards, ReduceGroups, Report.
_WORKFLOW_STATES = 4
# A Distributed Map pays one transition to start a STANDARD child, which has one state of its own.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
_TRANSITIONS_PER_CHILD = 2
# Its record and its last attempt; a redrive is a transition itself.
# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
_TRANSITIONS_PER_FAILURE = 2
# plan, reduce and jobs measure nothing themselves: half a second at 512 MB each, on the high side.
_ASSUMED_GB_S = 0.25
# manifest.json and SUCCEEDED_0.json
_MAP_RESULT_OBJECTS = 2


@dataclass(frozen=True, kw_only=True)
class JobVolume:
    """How much of everything a job was: numbers of things, from its report and this client."""

    shards: int
    groups: int
    retries: int
    failures: int
    redrives: int
    has_labels: bool
    objects_checked: int
    objects_uploaded: int
    api_calls: int


@dataclass(frozen=True, kw_only=True)
class CostItem:
    """One line of the bill; `basis` says how far to trust `quantity`."""

    name: str
    quantity: float
    price: Price
    basis: Basis

    @property
    def usd(self) -> float:
        """US dollars."""
        return self.price.of(self.quantity)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The whole bill."""

    items: tuple[CostItem, ...]
    architecture: Architecture

    @property
    def usd(self) -> float:
        """US dollars, all items together."""
        return sum(item.usd for item in self.items)


def estimate_cost(
    telemetry: Sequence[Telemetry], volume: JobVolume, architecture: Architecture
) -> Cost:
    """The cost of one job, from POST to the last part fetched."""
    compute = prices.LAMBDA_COMPUTE[architecture]
    steps = 1 + volume.groups + 1
    items = (
        *_classify_compute(telemetry, architecture),
        CostItem(
            name="Lambda compute, plan, reduce and jobs",
            quantity=_ASSUMED_GB_S * (steps + volume.api_calls),
            price=compute,
            basis="assumed",
        ),
        CostItem(
            name="Lambda requests",
            quantity=volume.shards + volume.retries + volume.failures + steps + volume.api_calls,
            price=prices.LAMBDA_REQUEST,
            basis="counted",
        ),
        CostItem(
            name="Step Functions",
            quantity=_transitions(volume),
            price=prices.STANDARD_TRANSITION,
            basis="counted",
        ),
        CostItem(
            name="S3 writes", quantity=_writes(volume), price=prices.S3_WRITE, basis="counted"
        ),
        CostItem(name="S3 reads", quantity=_reads(volume), price=prices.S3_READ, basis="counted"),
        CostItem(
            name="HTTP API",
            quantity=volume.api_calls,
            price=prices.HTTP_API_REQUEST,
            basis="counted",
        ),
    )
    return Cost(items=items, architecture=architecture)


def _classify_compute(
    telemetry: Sequence[Telemetry], architecture: Architecture
) -> tuple[CostItem, ...]:
    """Invocations on provisioned environments have a price of their own."""
    on_demand = CostItem(
        name="Lambda compute, classify",
        quantity=sum(one.billed_gb_s for one in telemetry if not one.provisioned),
        price=prices.LAMBDA_COMPUTE[architecture],
        basis="measured",
    )
    ahead = [one.billed_gb_s for one in telemetry if one.provisioned]
    if not ahead:
        return (on_demand,)
    provisioned = CostItem(
        name="Lambda compute, classify, provisioned",
        quantity=sum(ahead),
        price=prices.LAMBDA_PROVISIONED_COMPUTE[architecture],
        basis="measured",
    )
    return (on_demand, provisioned)


def _transitions(volume: JobVolume) -> int:
    children = volume.shards + volume.groups
    transitions = _WORKFLOW_STATES + _TRANSITIONS_PER_CHILD * children + volume.retries
    return transitions + _TRANSITIONS_PER_FAILURE * volume.failures + volume.redrives


def _writes(volume: JobVolume) -> int:
    plan = 2  # shards.json, groups.json
    parts = 2 * volume.groups  # columns and summary
    report = 1
    job = plan + volume.shards + _MAP_RESULT_OBJECTS + parts + report
    return volume.objects_uploaded + job + volume.failures  # each with its record


def _reads(volume: JobVolume) -> int:
    labels = 1 if volume.has_labels else 0
    plan = 2 * (1 + labels)  # size and header of each input
    maps = 2  # shards.json, groups.json
    shards = 2 * volume.shards  # a slice of images; later the shard's columns
    groups = volume.groups * (labels + 1)  # true labels; later the part's summary
    fetched = 1 + 2 * volume.groups  # the report by the API, columns and summaries by the client
    return volume.objects_checked + plan + maps + shards + groups + fetched
