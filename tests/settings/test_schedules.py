"""Campaigns: schedules that Application Auto Scaling takes, and none that never ends."""

from __future__ import annotations

import pytest

from settings.context import load_stage
from settings.limits import platform_limits
from settings.schedules import is_schedule, over
from tests.settings.refusals import refused

CAMPAIGN = "classify.provisioned.campaign"
WARM: dict[str, object] = {
    "classify.provisioned.minimum": "2",
    "classify.provisioned.maximum": "50",
    "classify.provisioned.target_utilization": "0.6",
}


def campaign(**changes: object) -> dict[str, object]:
    """A campaign on weekdays, in dev, with some of it changed."""
    values = {
        "start": "cron(0 7 ? * MON-FRI *)",
        "end": "cron(0 19 ? * MON-FRI *)",
        "minimum": "20",
        "timezone": "Europe/Berlin",
        **changes,
    }
    return {**WARM, **{f"{CAMPAIGN}.{name}": value for name, value in values.items()}}


def test_campaign_is_given_on_the_command_line() -> None:
    kept = load_stage(campaign(), rules=[platform_limits]).classify.provisioned
    assert kept is not None
    assert kept.campaign is not None
    assert kept.campaign.start == "cron(0 7 ? * MON-FRI *)"
    assert (kept.campaign.minimum, kept.campaign.timezone) == (20, "Europe/Berlin")


def test_campaign_is_in_utc_unless_it_says_otherwise() -> None:
    context = campaign()
    del context[f"{CAMPAIGN}.timezone"]
    kept = load_stage(context, rules=[platform_limits]).classify.provisioned
    assert kept is not None
    assert kept.campaign is not None
    assert kept.campaign.timezone == "UTC"


def test_prod_takes_a_campaign_for_what_it_keeps_warm() -> None:
    context = {name: value for name, value in campaign().items() if name.startswith(CAMPAIGN)}
    kept = load_stage({"stage": "prod", **context}, rules=[platform_limits]).classify.provisioned
    assert kept is not None
    assert kept.campaign is not None
    assert kept.minimum == 2


def test_half_a_campaign_is_refused_by_the_other_half() -> None:
    assert set(refused(**WARM, **{f"{CAMPAIGN}.start": "at(2026-12-01T06:00:00)"})) == {
        f"{CAMPAIGN}.end",
        f"{CAMPAIGN}.minimum",
    }


@pytest.mark.parametrize(
    "expression",
    [
        # Those of the user guide:
        # https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        # Those of EventBridge, whose reference the guide names:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
        "cron(0 0 L * ? *)",
        "cron(0 0 3W * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 ? * MON#1 *)",
        "cron(*/7 0,6,12-18/2 1,15 jan,Jul-DEC ? 2026-2030)",
        "cron(59 23 31 12 ? 2199)",
        "cron(0 0 ? 1 1-7 1970)",
        "at(2026-12-01T06:00:00)",
        "at(2028-02-29T23:59:59)",
    ],
)
def test_schedule_that_aws_takes_is_taken(expression: str) -> None:
    assert is_schedule(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 7 ? * MON-FRI *",
        "rate(5 minutes)",  # it never says when
        "cron()",
        "cron(0 7 ? * MON-FRI)",  # five fields, as in a crontab
        "cron(0 7 ? * MON-FRI * *)",
        "cron(0 7 * * * *)",  # one of the two days is ?
        "cron(0 7 ? * ? *)",
        "cron(60 7 ? * MON *)",
        "cron(-1 7 ? * MON *)",
        "cron(0 24 ? * MON *)",
        "cron(0 7 0 * ? *)",
        "cron(0 7 32 * ? *)",
        "cron(0 7 32W * ? *)",
        "cron(0 7 1 13 ? *)",
        "cron(0 7 1 0 ? *)",
        "cron(0 7 ? * 0 *)",
        "cron(0 7 ? * 8 *)",
        "cron(0 7 ? * MON#6 *)",
        "cron(0 7 ? * MONDAY *)",
        "cron(0 7 ? * FRI-MON *)",
        "cron(0 7 ? * MON-FRI 1969)",
        "cron(0 7 ? * MON-FRI 2200)",
        "cron(0 7 ? * MON,? *)",
        "cron(0 7 L,1 * ? *)",
        "cron(0 ? 1 * ? *)",
        "cron(0/0 7 ? * MON *)",
        "cron(0/60 7 ? * MON *)",
        "cron(0/ 7 ? * MON *)",
        "cron(, 7 ? * MON *)",
        "cron(0, 7 ? * MON *)",
        "cron(1-2-3 7 ? * MON *)",
        "cron(1- 7 ? * MON *)",
        "cron(\u0661 7 ? * MON *)",
        "cron(0 7 ? * MON *) ",
        "CRON(0 7 ? * MON *)",
        "at(2026-12-01)",
        "at(2026-12-01T06:00)",
        "at(2026-12-01T06:00:00Z)",
        "at(2026-12-01T06:00:00+01:00)",
        "at(2026-12-01T06:00:00.5)",
        "at(2026-12-01 06:00:00)",
        "at(2026-02-29T06:00:00)",
        "at(20261201T060000)",
        "at(tomorrow)",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    assert not is_schedule(expression)
    for which in ("start", "end"):
        found = refused(**campaign(**{which: expression}))
        assert set(found) == {f"{CAMPAIGN}.{which}"}
        assert "such as cron(0 7 ? * MON-FRI *), or at(yyyy-mm-ddThh:mm:ss)" in str(found)
        assert "https://docs.aws.amazon.com/" in str(found)


@pytest.mark.parametrize(
    ("start", "end", "accepted"),
    [
        ("cron(0 7 ? * MON *)", "cron(0 7 ? * TUE *)", True),
        ("cron(0 7 ? * MON *)", "cron(0 7 ? * MON *)", False),
        ("cron(0 7 ? * MON *)", "cron(0  7 ? * mon *)", False),
        ("at(2026-12-01T06:00:00)", "at(2026-12-01T06:00:01)", True),
        ("at(2026-12-01T06:00:00)", "at(2026-12-01T06:00:00)", False),
        ("at(2026-12-01T06:00:00)", "at(2026-11-30T06:00:00)", False),
        ("at(2026-12-01T06:00:00)", "cron(0 18 ? * FRI *)", True),
    ],
)
def test_campaign_ends_at_another_time_than_it_starts(start: str, end: str, accepted: bool) -> None:
    found = refused(**campaign(start=start, end=end))
    assert set(found) == (set() if accepted else {f"{CAMPAIGN}.end"})


@pytest.mark.parametrize(
    ("end", "accepted"),
    [
        ("cron(0 19 ? * MON *)", True),
        ("cron(54 19 ? * MON *)", True),
        ("cron(55 19 ? * MON *)", False),
        ("cron(0,30 19 ? * MON *)", False),
        ("cron(0-3 19 ? * MON *)", False),
        ("cron(0/20 19 ? * MON *)", False),
        ("cron(* 19 ? * MON *)", False),
    ],
)
def test_campaign_is_over_five_minutes_after_its_end(end: str, accepted: bool) -> None:
    found = refused(**campaign(end=end))
    assert set(found) == (set() if accepted else {f"{CAMPAIGN}.end"})
    assert accepted or "one number from 0 to 54" in found[f"{CAMPAIGN}.end"]


@pytest.mark.parametrize(
    ("end", "after"),
    [
        ("cron(0 19 ? * MON-FRI *)", "cron(5 19 ? * MON-FRI *)"),
        ("cron(54 19-21/2 L * ? 2030)", "cron(59 19-21/2 L * ? 2030)"),
        ("at(2026-12-31T23:57:30)", "at(2027-01-01T00:02:30)"),
    ],
)
def test_time_when_a_campaign_is_over(end: str, after: str) -> None:
    assert over(end) == after
    assert is_schedule(after)


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Etc/GMT+9", "America/Denver"])
def test_time_zone_has_a_name(name: str) -> None:
    assert refused(**campaign(timezone=name)) == {}


@pytest.mark.parametrize("name", ["", "Berlin", "CEST+1", "../UTC", "/etc/localtime", "Europe"])
def test_time_zone_that_is_none_is_refused(name: str) -> None:
    found = refused(**campaign(timezone=name))
    assert "IANA" in found[f"{CAMPAIGN}.timezone"]


@pytest.mark.parametrize(
    ("minimum", "accepted"), [("1", False), ("2", True), ("50", True), ("51", False)]
)
def test_campaign_keeps_between_the_least_and_the_most(minimum: str, accepted: bool) -> None:
    found = refused(**campaign(minimum=minimum))
    assert set(found) == (set() if accepted else {f"{CAMPAIGN}.minimum"})
    assert accepted or "2 to 50" in found[f"{CAMPAIGN}.minimum"]
