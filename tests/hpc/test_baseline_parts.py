"""What a baseline's times, machines and answers come to, from made-up descriptions."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from hpc.baseline.array_job import BaselineInterruptedError, EndedArray, wait_for_array
from hpc.baseline.bill import ArrayVolume, Bill, bill
from hpc.baseline.children import Attempt, Child, read_children
from hpc.baseline.compare import check_same_predictions, serverless_figures
from hpc.baseline.deployment import Machines
from hpc.baseline.objects import BucketObjects
from hpc.baseline.progress import ArrayProgress, ArrayView, array_view
from hpc.errors import HpcError, ResultsInvalidError, UnexpectedAnswerError
from prices import us_east_1 as prices
from shpc_core.errors import StorageError
from shpc_core.store import RangeNotSatisfiable
from tests.hpc.fake_batch import FakeBatch
from tests.hpc.made_up import outcome_of

MACHINES = Machines(instance_type="c5.2xlarge", spot=False, max_vcpus=32, vcpus=1, memory_mb=1769)
VOLUME = ArrayVolume(shards=30, groups=1, has_labels=True, objects_checked=2, objects_uploaded=2)


def child(*attempts: tuple[str | None, float, float]) -> Child:
    return Child(
        vcpus=1,
        attempts=tuple(
            Attempt(machine=machine, started_at=start, stopped_at=stop)
            for machine, start, stop in attempts
        ),
    )


def array(*children: Child) -> EndedArray:
    return EndedArray(batch_id="job", created_at=1000.0, children=children)


def test_lost_attempts_count_as_work_and_not_as_waiting() -> None:
    found = array(child(("a", 1100, 1110), ("b", 1200, 1230)), child(("a", 1105, 1150)))
    assert (found.seconds, found.startup_s) == (230, 100)
    assert found.vcpu_s == 10 + 30 + 45


def test_machine_is_paid_to_its_last_container_and_a_minute_at_least() -> None:
    short = bill(array(child(("a", 1001, 1002))), MACHINES, VOLUME)
    assert short.machine_s == {"a": 60}
    both = bill(
        array(child(("a", 1105, 1150)), child(("a", 1100, 1110.2), ("b", 1200, 1230))),
        MACHINES,
        VOLUME,
    )
    assert both.machine_s == {"a": 150, "b": 230}


def test_cost_is_machines_addresses_volumes_and_requests() -> None:
    found = bill(array(child(("a", 1100, 8200))), MACHINES, VOLUME)
    usd = {item.name: item.usd for item in found.items}
    assert usd["c5.2xlarge on demand"] == pytest.approx(2 * 0.34)
    assert usd["public addresses"] == pytest.approx(2 * 0.005)
    assert usd["volumes"] == pytest.approx(2 * 30 * 0.08 / prices.HOURS_PER_MONTH)
    # Two inputs, two lists, 30 shards, a part and its summary, the report.
    assert usd["S3 writes"] == pytest.approx((2 + 2 + 30 + 2 + 1) * 0.005 / 1000)
    assert found.usd == pytest.approx(sum(usd.values()))


def test_spot_is_priced_at_the_most_it_can_cost() -> None:
    spot = bill(array(child(("a", 1100, 4600))), replace(MACHINES, spot=True), VOLUME)
    assert spot.items[0].name == "c5.2xlarge on demand, the most that Spot costs"
    assert spot.items[0].usd == pytest.approx(0.34)


def test_machine_without_a_price_has_no_cost_and_a_reason() -> None:
    found = bill(array(child(("a", 1100, 1200))), replace(MACHINES, instance_type="x1.big"), VOLUME)
    assert found == Bill(machine_s={"a": 200}, items=(), reason="no price of x1.big is known here")
    assert found.usd is None


def test_serverless_job_in_the_terms_of_a_baseline() -> None:
    outcome = outcome_of()
    found = serverless_figures(outcome)
    assert (found.seconds, found.startup_s, found.environments) == (3.5, 1.0, 2)
    # Four shards of 0.2 s and two INITs of 0.4 s at 1,769 MB, which is one vCPU.
    assert found.vcpu_s == pytest.approx(4 * 0.2 + 2 * 0.4)
    assert found.usd == outcome.cost.usd


def test_same_predictions_pass() -> None:
    check_same_predictions(outcome_of().results, outcome_of().results)


@pytest.mark.parametrize("column", ["label", "confidence"])
def test_one_other_prediction_is_named(column: str) -> None:
    ours = outcome_of().results
    changed = getattr(ours, column).copy()
    changed[7] = np.nextafter(changed[7], 2) if column == "confidence" else (changed[7] + 1) % 10
    theirs = replace(ours, **{column: changed})
    with pytest.raises(ResultsInvalidError, match=r"1 of 20 predictions differ .* at image 7"):
        check_same_predictions(ours, theirs)


def test_child_that_never_ran_is_no_child_that_succeeded() -> None:
    described = {"jobId": "job:3", "status": "SUCCEEDED", "attempts": [{"container": {}}]}
    with pytest.raises(UnexpectedAnswerError, match="child job:3 is SUCCEEDED"):
        Child.of(described)


class OneByOne:
    """Answers for at most a hundred children a call, as Batch does, in no order."""

    def __init__(self, known: int) -> None:
        self.known = known

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, list[dict[str, str]]]:
        assert len(jobs) <= 100
        found = [name for name in jobs if int(name.partition(":")[2]) < self.known]
        return {"jobs": [{"jobId": name} for name in reversed(found)]}


def test_children_are_described_in_order_a_hundred_at_a_time() -> None:
    parent = {"jobId": "job", "arrayProperties": {"size": 250}}
    found = read_children(OneByOne(250), parent)
    assert [one["jobId"] for one in found] == [f"job:{index}" for index in range(250)]


def test_child_that_batch_does_not_know_is_missed() -> None:
    parent = {"jobId": "job", "arrayProperties": {"size": 250}}
    with pytest.raises(UnexpectedAnswerError, match="knows 249 of 250 children"):
        read_children(OneByOne(249), parent)


class Direct:
    """The fake Batch without HTTP between."""

    def __init__(self, fake: FakeBatch) -> None:
        self.fake = fake

    def describe_jobs(self, **body: object) -> object:
        return self.fake.describejobs(dict(body))

    def terminate_job(self, **body: object) -> object:
        return self.fake.terminatejob(dict(body))


def quiet() -> ArrayView:
    return array_view(Console(file=io.StringIO()), "vm-1")


def test_interrupted_watch_ends_the_job() -> None:
    fake = FakeBatch(submitted=[{"arrayProperties": {"size": 2}}])

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaselineInterruptedError, match="array job job is being ended"):
        wait_for_array(Direct(fake), None, "job", quiet(), sleep=interrupted)
    assert fake.terminated == [{"jobId": "job", "reason": "the client was interrupted"}]


def test_watch_that_gets_no_answer_says_how_to_end_the_job() -> None:
    class Silent:
        def describe_jobs(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://batch.example")

    with pytest.raises(HpcError, match="aws batch terminate-job --job-id job --reason unwatched"):
        wait_for_array(Silent(), None, "job", quiet())


def test_watch_polls_more_rarely_the_longer_it_takes() -> None:
    fake = FakeBatch(submitted=[{"arrayProperties": {"size": 2}}])
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += 1000 if len(slept) == 1 else seconds

    ended = wait_for_array(Direct(fake), None, "job", quiet(), clock=lambda: now[0], sleep=sleep)
    assert slept == [0.25, 5.0]
    assert len(ended.children) == 2
    assert not fake.terminated


def test_lines_say_every_phase_once() -> None:
    out = io.StringIO()
    with array_view(Console(file=out, width=200), "vm-1") as view:
        for running, done, ended in ((0, 0, False), (0, 0, False), (1, 0, False), (1, 1, False)):
            view.show(
                ArrayProgress(total=2, running=running, succeeded=done, failed=0, ended=ended), 1.5
            )
        view.show(ArrayProgress(total=2, running=0, succeeded=2, failed=0, ended=True), 9.0)
    assert out.getvalue().splitlines() == [
        "baseline vm-1: starting machines, 0 of 2 containers done (1.5 s)",
        "baseline vm-1: classifying, 0 of 2 containers done (1.5 s)",
        "baseline vm-1: succeeded, 2 of 2 containers done (9.0 s)",
    ]


def test_bar_shows_how_many_containers_are_done() -> None:
    out = io.StringIO()
    with array_view(Console(file=out, force_terminal=True, width=100), "vm-1") as view:
        view.show(ArrayProgress(total=2, running=0, succeeded=2, failed=0, ended=True), 9.0)
    assert "2/2" in out.getvalue()
    assert "succeeded" in out.getvalue()


@pytest.fixture
def objects(aws) -> BucketObjects:
    aws("s3").create_bucket(Bucket="bucket")
    return BucketObjects(aws("s3"), "bucket")


def test_bucket_gives_what_was_put(objects: BucketObjects) -> None:
    objects.put("a/key", b"0123456789")
    assert objects.get("a/key") == b"0123456789"
    assert objects.size("a/key") == 10
    assert objects.get_range("a/key", 2, 5) == b"234"
    assert objects.get_range("a/key", 0, 10) == b"0123456789"


def test_range_beyond_the_end_is_not_shortened(objects: BucketObjects) -> None:
    objects.put("key", b"0123")
    with pytest.raises(RangeNotSatisfiable) as refused:
        objects.get_range("key", 2, 5)
    assert refused.value.object_bytes == 4


@pytest.mark.parametrize("operation", ["size", "get"])
def test_absent_object_is_named_with_its_bucket(objects: BucketObjects, operation: str) -> None:
    with pytest.raises(FileNotFoundError, match="no readable object absent in bucket bucket"):
        getattr(objects, operation)("absent")


def test_bucket_that_is_gone_cannot_be_written(aws) -> None:
    with pytest.raises(StorageError, match="object key of bucket gone: cannot be written"):
        BucketObjects(aws("s3"), "gone").put("key", b"")
