from __future__ import annotations

import pytest

from prices.machines import EC2_VCPU_HOUR, machine_hour
from settings.context import load_stage
from settings.errors import SettingsError
from settings.machine_limits import FAMILIES, machine_limits
from settings.stages import STAGES


def refused(**overrides: object) -> dict[str, str]:
    """Field -> what would be allowed, for a dev stage with `a__b=1` standing for `-c a.b=1`."""
    context = {name.replace("__", "."): value for name, value in overrides.items()}
    try:
        load_stage(context, rules=[machine_limits])
    except SettingsError as error:
        return {violation.field: violation.allowed for violation in error.violations}
    return {}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_own_machines_can_be_with_and_without_a_baseline(stage: str) -> None:
    assert refused(stage=stage) == refused(stage=stage, baseline=True) == {}


@pytest.mark.parametrize("kind", ["t3.large", "c5", "c5.", ".large", "C5.large", "c5.large ", "x"])
def test_machine_of_no_known_family_is_refused(kind: str) -> None:
    assert "vms.instance_type" in refused(vms__instance_type=kind)


@pytest.mark.parametrize("size", ["medium", "micro", "3xlarge", "8xlarge", "metal", "24xlarge.x"])
def test_size_that_its_family_does_not_come_in_is_refused(size: str) -> None:
    allowed = refused(vms__instance_type=f"c5.{size}")["vms.instance_type"]
    assert allowed.startswith("c5 in one of large, xlarge, 2xlarge, 4xlarge, 9xlarge, ")


@pytest.mark.parametrize(
    ("kind", "vcpus"), [("c5.large", 2), ("c5.xlarge", 4), ("m7i.48xlarge", 192)]
)
def test_at_least_one_machine_fits_into_the_most_vcpus(kind: str, vcpus: int) -> None:
    assert refused(vms__instance_type=kind, vms__max_vcpus=vcpus) == {}
    found = refused(vms__instance_type=kind, vms__max_vcpus=vcpus - 1)
    assert found == {"vms.max_vcpus": f"at least {vcpus}, the vCPUs of one {kind}"}


def test_machine_has_the_processor_that_the_image_is_built_for() -> None:
    arm = {"architecture": "arm64", "baseline": True}
    assert refused(**arm, vms__instance_type="c7g.2xlarge") == {}
    allowed = refused(**arm)["vms.instance_type"]
    assert allowed == "a machine of c6g, m6g, c7g, m7g: the image is built for arm64"
    assert "vms.instance_type" in refused(baseline=True, vms__instance_type="m7g.large")


def test_machines_that_are_not_there_stand_in_the_way_of_no_architecture() -> None:
    assert refused(architecture="arm64") == {}
    assert refused(job_timeout_s=59) == {}


def test_time_of_a_job_is_one_that_batch_takes() -> None:
    assert refused(baseline=True, job_timeout_s=60) == {}
    assert (
        "60 to 31536000 s with a baseline"
        in (refused(baseline=True, job_timeout_s=59)["job_timeout_s"])
    )


def test_every_machine_that_can_be_chosen_has_a_price() -> None:
    assert set(FAMILIES) == set(EC2_VCPU_HOUR)
    for family, known in FAMILIES.items():
        for size, vcpus in known.sizes.items():
            price = machine_hour(f"{family}.{size}")
            assert price is not None
            assert price.usd == pytest.approx(EC2_VCPU_HOUR[family] * vcpus)


def test_prices_by_family_are_those_that_aws_lists_by_type() -> None:
    """https://aws.amazon.com/ec2/pricing/on-demand/: Linux in us-east-1, an hour."""
    listed = {"c5.2xlarge": 0.34, "c5.4xlarge": 0.68, "m7g.large": 0.0816}
    for kind, usd in listed.items():
        price = machine_hour(kind)
        assert price is not None
        assert price.usd == pytest.approx(usd)


@pytest.mark.parametrize("kind", ["t3.large", "c5.metal", "c5.xxlarge", "c5.medium", "c5"])
def test_machine_that_is_not_listed_has_no_price(kind: str) -> None:
    assert machine_hour(kind) is None
