"""One function on a driven clock for the tests of a module, each of which makes its own alarms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.scaling.deployed import Deployed, deployed_cloud


@pytest.fixture(scope="module")
def shared() -> Iterator[Deployed]:
    with deployed_cloud() as one:
        one.deploy()
        yield one


@pytest.fixture
def deployed(shared: Deployed) -> Iterator[Deployed]:
    yield shared
    # What the next test measures is not this one's.
    shared.clock.now += 24 * 3600
    client = shared.client("cloudwatch")
    alarms = client.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    for alarm in (*alarms["CompositeAlarms"], *alarms["MetricAlarms"]):
        client.delete_alarms(AlarmNames=[alarm["AlarmName"]])
