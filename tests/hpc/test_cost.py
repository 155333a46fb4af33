"""The bill, against sums done by hand from the listed prices."""

from __future__ import annotations

import pytest

from hpc.cost import JobVolume, estimate_cost
from tests.hpc.made_up import telemetry_of

# 3,000 images, 30 shards, labels; uploads done before; POST and four polls.
VOLUME = JobVolume(
    shards=30,
    groups=1,
    retries=2,
    failures=0,
    redrives=0,
    has_labels=True,
    objects_checked=2,
    objects_uploaded=0,
    api_calls=5,
)


def items_of(cost) -> dict[str, tuple[float, float]]:
    return {item.name: (item.quantity, item.usd) for item in cost.items}


def test_bill_of_a_job_is_what_it_comes_to_by_hand() -> None:
    # 30 shards of 200 ms at 2,048 MB, two of them with 400 ms of init: 6.8 s at 2 GB.
    telemetry = [
        telemetry_of(
            shard,
            started_at=0.0,
            ended_at=0.2,
            init_ms=400.0 if shard < 2 else None,
            memory_mb=2048,
        )
        for shard in range(30)
    ]
    found = items_of(estimate_cost(telemetry, VOLUME, "x86_64"))
    assert found == {
        "Lambda compute, classify": pytest.approx((13.6, 0.000226667), rel=1e-5),
        # plan, one group, report, and five API calls: 8 invocations of 0.25 GB-s
        "Lambda compute, plan, reduce and jobs": pytest.approx((2.0, 0.0000333334), rel=1e-5),
        # 30 shards, 2 retries, 3 steps, 5 API calls
        "Lambda requests": pytest.approx((40, 0.000008)),
        # 4 states; 31 children of 2; 2 retries
        "Step Functions": pytest.approx((68, 0.0017)),
        # shards.json, groups.json; 30 results; 2 of the map's own; a part in two; report.json
        "S3 writes": pytest.approx((37, 0.000185)),
        # HEAD of 2 uploads; plan 4; maps 2; 60 for shards; labels and summary; report; 2 fetched
        "S3 reads": pytest.approx((73, 0.0000292)),
        "HTTP API": pytest.approx((5, 0.000005)),
    }


def test_invocations_on_provisioned_environments_have_their_own_price() -> None:
    telemetry = [
        telemetry_of(
            n, started_at=0.0, ended_at=0.2, init_ms=None, memory_mb=1024, provisioned=n > 0
        )
        for n in range(4)
    ]
    found = items_of(estimate_cost(telemetry, VOLUME, "arm64"))
    # 0.2 s at 1 GB on demand, three times that provisioned, at the lower price.
    assert found["Lambda compute, classify"] == pytest.approx((0.2, 0.2 * 0.0000133334))
    assert found["Lambda compute, classify, provisioned"] == pytest.approx(
        (0.6, 0.6 * 0.0000077778)
    )


def test_whole_bill_is_the_sum_of_its_items() -> None:
    cost = estimate_cost([telemetry_of(0)], VOLUME, "x86_64")
    assert cost.usd == pytest.approx(sum(item.usd for item in cost.items))


def test_arm_is_a_fifth_cheaper_in_compute_alone() -> None:
    x86 = items_of(estimate_cost([telemetry_of(0)], VOLUME, "x86_64"))
    arm = items_of(estimate_cost([telemetry_of(0)], VOLUME, "arm64"))
    for name in x86:
        ratio = arm[name][1] / x86[name][1]
        assert ratio == pytest.approx(0.8 if "compute" in name else 1.0, rel=1e-5)


def test_upload_and_labels_cost_their_requests() -> None:
    changed = {"objects_uploaded": 1, "has_labels": False}
    values = {field: getattr(VOLUME, field) for field in VOLUME.__dataclass_fields__} | changed
    found = items_of(estimate_cost([], JobVolume(**values), "x86_64"))
    assert found["S3 writes"][0] == 38
    assert found["S3 reads"][0] == 73 - 3


def test_failures_and_redrives_cost_their_records_attempts_and_transitions() -> None:
    changed = {"failures": 3, "redrives": 1}
    values = {field: getattr(VOLUME, field) for field in VOLUME.__dataclass_fields__} | changed
    found = items_of(estimate_cost([], JobVolume(**values), "x86_64"))
    assert found["Step Functions"][0] == 68 + 2 * 3 + 1
    assert found["Lambda requests"][0] == 40 + 3
    assert found["S3 writes"][0] == 37 + 3
