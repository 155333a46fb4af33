"""`make review` has no finding on any variant, and knows every type that occurs."""

from __future__ import annotations

import pytest

from review.exposure import doors
from review.idle import idle
from review.page import page
from review.retention import kept
from tests.stacks.synthesized import Synthesized


def test_nothing_is_found(every: Synthesized) -> None:
    findings = {section.title: section.findings for section in page(every, [])}
    assert {title: found for title, found in findings.items() if found} == {}


def test_dev_costs_nothing_while_idle_but_what_it_stores(every: Synthesized) -> None:
    found = idle(every)
    assert found.unknown == {}
    if every.stage == "dev":
        assert found.charges == {}
        assert found.usd == 0
    stored = {resource["Type"] for resource in every.resources().values()} & {
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
    }
    assert stored
    assert found.storage


def test_prod_costs_what_it_keeps_warm_and_watches(prod: Synthesized) -> None:
    """By hand: 2 environments of 1769 MB for 730 hours, at AWS's price of a provisioned GB-s.

    https://aws.amazon.com/lambda/pricing/
    """
    charges = idle(prod).charges
    (warm,) = charges["Functions/Classify/Live"]
    assert warm.usd == pytest.approx(2 * 1769 / 1024 * 730 * 3600 * 0.0000041667)
    assert sum(charge.usd for charge in charges["Monitoring/Dashboard"]) == 3.0


def test_dev_leaves_nothing_and_prod_what_it_was_told_to(every: Synthesized) -> None:
    stays = {one.kind for one in kept(every) if one.stays}
    assert stays == (
        {"AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
        if every.stage == "prod"
        else set()
    )


def test_every_door_from_the_internet_is_a_signed_route(every: Synthesized) -> None:
    outside = [door for door in doors(every) if "from the internet" in door.how]
    assert len(outside) == len(every.resources("AWS::ApiGatewayV2::Route"))
    assert all("signed" in door.who for door in outside)
    assert not [door for door in doors(every) if door.to_everybody]
