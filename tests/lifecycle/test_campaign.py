"""A campaign on prod's own templates: warm environments for its time, and none of them after it.

The cloud's clock is the test's, so that the days and minutes of the schedules pass when it says so;
functions, load and what they measure are as they run. What is held here are reads of the input.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.functions import ServiceLimits
from shpc_core import columns, keys

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "data" / "fashion-mnist-3000" / "images.idx"
INPUT = "inputs/campaign.idx"
MINUTE_S = 60
WIDTH = 4
MINIMUM, WARM, MAXIMUM = 1, 3, 5
# A Monday in summer, two minutes before seven in Berlin.
BEGIN = datetime(2027, 7, 5, 4, 58, tzinfo=UTC)
CONTEXT = {
    "stage": "prod",
    "classify.provisioned.minimum": str(MINIMUM),
    "classify.provisioned.maximum": str(MAXIMUM),
    "classify.provisioned.campaign.start": "cron(0 7 ? * MON-FRI *)",
    "classify.provisioned.campaign.end": "cron(30 7 ? * MON-FRI *)",
    "classify.provisioned.campaign.minimum": str(WARM),
    "classify.provisioned.campaign.timezone": "Europe/Berlin",
    "predict.provisioned": "none",
}


class Held:
    """Keeps reads of the input waiting, so that a test knows how many shards run at once."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.released = threading.Event()
        self.released.set()

    def __call__(self, application: WSGIApplication) -> WSGIApplication:
        def front(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            reads = environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(INPUT)
            if reads and not self.released.is_set():
                self.arrived.release()
                self.released.wait(60)
            return application(environ, start_response)

        return front

    @contextmanager
    def until(self, count: int) -> Iterator[None]:
        """What is in the block starts `count` shards; they go on together when all have come."""
        self.released.clear()
        try:
            yield
            for _ in range(count):
                assert self.arrived.acquire(timeout=60)
        finally:
            self.released.set()


@dataclass
class Met:
    """What the environments of some shards told of themselves."""

    cold: int
    provisioned: int


@dataclass
class Campaign:
    """The stacks that classify needs, on a clock that stands."""

    cloud: Cloud
    held: Held
    executor: ThreadPoolExecutor
    now: list[float]
    function: str = ""
    buckets: dict[str, str] = field(default_factory=dict)
    jobs: int = 0

    def client(self, service: str) -> Any:
        return self.cloud.context.client(service)

    def minutes(self, count: int, *, load: int = 0) -> None:
        """So many minutes pass, in each of which as many shards run at once as `load`."""
        for _ in range(count):
            if load:
                self.shards(load)
            self.now[0] += MINUTE_S
            self.cloud.tick()

    def shards(self, count: int) -> Met:
        """Classify some images in `count` shards at once, on the alias, as the map does."""
        self.jobs += 1
        job_id = f"campaign-{self.jobs}"
        with self.held.until(count):
            calls = [self.executor.submit(self._shard, job_id, shard) for shard in range(count)]
        assert [call.result().function_error for call in calls] == [None] * count
        told = [self._telemetry(job_id, shard) for shard in range(count)]
        return Met(sum(one["cold"] for one in told), sum(one["provisioned"] for one in told))

    def _shard(self, job_id: str, shard: int) -> Any:
        request = {
            "job_id": job_id,
            "input": {"images": INPUT},
            "shard": {"shard": shard, "start": 10 * shard, "stop": 10 * shard + 10},
        }
        return self.cloud.functions.invoke(self.function, "live", json.dumps(request).encode())

    def _telemetry(self, job_id: str, shard: int) -> dict[str, Any]:
        stored = self.client("s3").get_object(
            Bucket=self.buckets["Results"], Key=keys.shard_result(job_id, shard)
        )
        _, metadata = columns.decode(stored["Body"].read())
        return dict(json.loads(metadata["telemetry"]))

    @property
    def capacity(self) -> int:
        """What Lambda says is allocated."""
        config = self.client("lambda").get_provisioned_concurrency_config(
            FunctionName=self.function, Qualifier="live"
        )
        return int(config["AllocatedProvisionedConcurrentExecutions"])

    @property
    def limits(self) -> tuple[int, int]:
        found = self.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="lambda"
        )
        (target,) = found["ScalableTargets"]
        return target["MinCapacity"], target["MaxCapacity"]

    @property
    def latest(self) -> str:
        """Why the capacity was changed the last time."""
        found = self.client("application-autoscaling").describe_scaling_activities(
            ServiceNamespace="lambda"
        )
        return str(found["ScalingActivities"][0]["Cause"])

    @property
    def warm(self) -> int:
        """How many environments there are."""
        return len(self.cloud.functions.running_processes())


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """Storage and the functions; the deployment brings the former by itself."""
    assembly = tmp_path_factory.mktemp("campaign") / "cdk.out"
    held, now = Held(), [BEGIN.timestamp()]
    limits = ServiceLimits(width=WIDTH)
    with (
        ThreadPoolExecutor(WIDTH) as executor,
        Cloud(clock=lambda: now[0], limits=limits, middleware=held) as cloud,
    ):
        cdk = CdkCli(environ=cloud.environ, context=CONTEXT)
        cdk.synth(assembly)
        cdk.bootstrap(assembly)
        cdk.run("deploy", "Functions", "--app", str(assembly), "--require-approval", "never")
        played = Campaign(cloud, held, executor, now)
        cloudformation = cloud.context.client("cloudformation")
        described = cloudformation.describe_stacks(StackName="shpc-prod-functions")["Stacks"][0]
        (played.function,) = (
            output["OutputValue"]
            for output in described["Outputs"]
            if output["OutputKey"] == "ClassifyFunctionName"
        )
        resources = cloudformation.describe_stack_resources(StackName="shpc-prod-storage")
        for resource in resources["StackResources"]:
            for name in ("Input", "Results"):
                kind, logical = resource["ResourceType"], resource["LogicalResourceId"]
                if kind == "AWS::S3::Bucket" and logical.startswith(name):
                    played.buckets[name] = resource["PhysicalResourceId"]
        cloud.context.client("s3").put_object(
            Bucket=played.buckets["Input"], Key=INPUT, Body=IMAGES.read_bytes()
        )
        yield played


def test_campaign_from_the_eve_to_the_end(campaign: Campaign) -> None:
    """One story: each part begins where the last one ended."""
    # Before: what is kept warm anyway; two of three shards wait for their environments.
    assert (campaign.capacity, campaign.limits) == (MINIMUM, (MINIMUM, MAXIMUM))
    assert campaign.shards(3) == Met(cold=2, provisioned=1)
    campaign.minutes(1)
    assert campaign.capacity == MINIMUM

    # Seven in Berlin: nobody has called, and they are there.
    campaign.minutes(1)
    assert (campaign.capacity, campaign.limits) == (WARM, (WARM, MAXIMUM))
    assert "CampaignStart" in campaign.latest
    assert campaign.shards(3) == Met(cold=0, provisioned=3)

    # Utilisation is 2/3 on average, above 0.6 for three minutes: 3 * (2/3) / 0.6 = 3.3.
    campaign.minutes(2, load=3)
    assert campaign.capacity == WARM
    campaign.minutes(1, load=3)
    assert campaign.capacity == 4
    assert "AlarmHigh" in campaign.latest
    assert campaign.shards(4) == Met(cold=0, provisioned=4)
    # (1 + 2 + 3 + 4) / 16 = 0.625, and 4 * 0.625 / 0.6 = 4.2: the maximum, of which this machine
    # keeps as many as it runs at once.
    campaign.minutes(3, load=4)
    assert campaign.capacity == MAXIMUM
    assert campaign.warm == WIDTH

    # Idle, and with the campaign still on: target tracking takes away what is above its minimum.
    campaign.minutes(20)
    assert campaign.capacity == WARM
    assert "AlarmLow" in campaign.latest

    # Half past seven, without any load: down at once, not by one a minute.
    assert datetime.fromtimestamp(campaign.now[0], UTC).strftime("%H:%M") == "05:26"
    campaign.minutes(3)
    assert campaign.capacity == WARM
    campaign.minutes(1)
    assert (campaign.capacity, campaign.limits) == (MINIMUM, (MINIMUM, MINIMUM))
    assert "CampaignEnd" in campaign.latest
    assert campaign.warm == MINIMUM
    assert campaign.shards(2) == Met(cold=1, provisioned=1)

    # Five minutes later the maximum is back, and with it target tracking.
    campaign.minutes(4)
    assert campaign.limits == (MINIMUM, MINIMUM)
    campaign.minutes(1)
    assert (campaign.capacity, campaign.limits) == (MINIMUM, (MINIMUM, MAXIMUM))
    campaign.minutes(3, load=1)
    assert campaign.capacity == 2
