"""Rules of composite alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import pytest

from localcloud.monitoring.alarm_rules import AlarmRule

STATES = {"bad": "ALARM", "good": "OK", "new one": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(bad)", True),
        ('ALARM("good")', False),
        ("OK(good) AND ALARM(bad)", True),
        ("OK(good) AND NOT ALARM(bad)", False),
        ("NOT OK(good) OR ALARM(bad)", True),
        ("ALARM(good) AND ALARM(good) OR TRUE", True),
        ("ALARM(good) AND (ALARM(good) OR TRUE)", False),
        ('INSUFFICIENT_DATA("new one")', True),
        ("(ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:bad))", True),
        ("FALSE", False),
    ],
)
def test_rule(rule: str, holds: bool) -> None:
    assert AlarmRule.read(rule).holds(STATES.__getitem__) is holds


def test_names_that_a_rule_asks_for() -> None:
    rule = AlarmRule.read('ALARM("a b") OR NOT (OK(c) AND OK(arn:aws:cloudwatch:r:1:alarm:d))')
    assert rule.alarms == {"a b", "c", "d"}
