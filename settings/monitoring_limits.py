"""What alarms and budgets can be, each limit with its source.

It decides whether a stage's e-mail address and budget are possible where the stage is. It refuses
what would have no effect: an address or a budget in a stage that has no alarms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from settings.errors import Violation
from settings.stage import StageSettings

# One address that mail can be delivered to; RFC 5321's lengths. What is before the @ is its
# owner's business, so only what would be another address or none is refused.
_EMAIL = re.compile(r"(?=.{3,254}$)[^@\s,;<>\"\\]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
# CloudFormation cannot make a budget there, although the budgets of an account see all its regions.
# From the specifications that cfn-lint carries; a test compares them.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-resource-specification.html
REGIONS_WITHOUT_BUDGETS = frozenset(
    {
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-northeast-3",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "mx-central-1",
        "us-gov-east-1",
        "us-gov-west-1",
    }
)


def monitoring_limits(stage: StageSettings) -> Iterator[Violation]:
    """Every way in which `stage` asks for alarms or a budget that cannot be."""
    email, usd = stage.alarm_email, stage.monthly_budget_usd
    if email is not None and not _EMAIL.fullmatch(email):
        yield Violation(
            "alarm_email", email, "one e-mail address, such as ops@example.org, or none"
        )
    if usd is not None and usd < 1:
        yield Violation("monthly_budget_usd", usd, "at least 1 US dollar, or none")
    if not stage.alarms:
        for field, value in (("alarm_email", email), ("monthly_budget_usd", usd)):
            if value is not None:
                yield Violation(field, value, "none, because alarms is False")
    if usd is not None and stage.region in REGIONS_WITHOUT_BUDGETS:
        allowed = f"none: CloudFormation makes no budgets in {stage.region}"
        yield Violation("monthly_budget_usd", usd, allowed)
