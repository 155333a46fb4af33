"""Alarms on what a deployed function does, minute by minute, and what they tell their topics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from __future__ import annotations

import json

from tests.localcloud.monitoring.telling import Told, history, put_alarm
from tests.localcloud.scaling.deployed import Deployed


def test_errors_are_told_once_and_so_is_their_end(deployed: Deployed) -> None:
    told = Told(deployed)
    name = put_alarm(deployed, told, AlarmDescription="what to do")
    deployed.invoke()
    deployed.minutes(1)
    assert told.states() == [(name, "OK")]

    deployed.invoke(fail=1)
    deployed.minutes(1)

    (notification,) = told.notifications()
    assert notification["Subject"] == 'ALARM: "errors" in US East (N. Virginia)'
    message = json.loads(notification["Message"])
    assert message["OldStateValue"] == "OK"
    assert message["NewStateValue"] == "ALARM"
    assert message["AlarmDescription"] == "what to do"
    assert message["AlarmArn"].endswith(":alarm:errors")
    assert "was greater than or equal to the threshold (1.0)" in message["NewStateReason"]
    trigger = message["Trigger"]
    assert (trigger["MetricName"], trigger["Statistic"], trigger["Period"]) == ("Errors", "SUM", 60)
    assert {"value": "classify:live", "name": "Resource"} in trigger["Dimensions"]
    deployed.invoke(fail=1)
    deployed.minutes(1)
    assert told.states() == []
    # It is looked two minutes further back for one that has data.
    deployed.minutes(2)
    assert told.states() == []
    deployed.minutes(1)
    assert told.states() == [(name, "OK")]
    assert history(deployed, name, "StateUpdate") == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
    ]
    assert len(history(deployed, name, "Action")) == 3


def test_rate_of_errors_by_metric_math(deployed: Deployed) -> None:
    told = Told(deployed)
    dimensions = [{"Name": "FunctionName", "Value": "classify"}]

    def metric(metric_id: str, metric_name: str) -> dict[str, object]:
        named = {"Namespace": "AWS/Lambda", "MetricName": metric_name, "Dimensions": dimensions}
        stat = {"Metric": named, "Period": 60, "Stat": "Sum"}
        return {"Id": metric_id, "MetricStat": stat, "ReturnData": False}

    rate = {"Id": "rate", "Expression": "100 * failed / FILL(calls, 1)", "ReturnData": True}
    single = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
    name = put_alarm(
        deployed,
        told,
        Metrics=[rate, metric("failed", "Errors"), metric("calls", "Invocations")],
        Threshold=50,
        **dict.fromkeys(single),
    )
    for fails in (0, 0, 1):
        deployed.invoke(**({"fail": 1} if fails else {}))
    deployed.minutes(1)
    assert told.states() == [(name, "OK")]
    for fails in (0, 1):
        deployed.invoke(**({"fail": 1} if fails else {}))
    deployed.minutes(1)
    (message,) = told.messages()
    assert message["NewStateValue"] == "ALARM"
    assert message["Trigger"]["Metrics"][0]["Expression"] == "100 * failed / FILL(calls, 1)"


def test_longer_period_takes_all_its_minutes(deployed: Deployed) -> None:
    told = Told(deployed)
    name = put_alarm(deployed, told, Period=300, Threshold=3)
    for _ in range(3):
        deployed.invoke(fail=1)
        deployed.minutes(1)
    assert told.states() == [(name, "OK"), (name, "ALARM")]
    deployed.minutes(3)
    assert told.states() == [(name, "OK")]


def test_alarm_without_data_says_so_and_tells_whom_it_shall(deployed: Deployed) -> None:
    told = Told(deployed)
    name = put_alarm(
        deployed, told, TreatMissingData="missing", InsufficientDataActions=[told.topic]
    )
    deployed.invoke()
    deployed.minutes(1)
    assert told.states() == [(name, "OK")]
    deployed.minutes(3)
    assert told.states() == [(name, "INSUFFICIENT_DATA")]


def test_disabled_actions_are_not_done_while_the_state_changes(deployed: Deployed) -> None:
    told = Told(deployed)
    name = put_alarm(deployed, told, ActionsEnabled=False)
    deployed.invoke(fail=1)
    deployed.minutes(1)
    assert deployed.alarm(name)["StateValue"] == "ALARM"
    assert told.states() == []


def test_state_set_by_hand_acts_and_lasts_until_the_next_look(deployed: Deployed) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html"""
    told = Told(deployed)
    name = put_alarm(deployed, told)
    client = deployed.client("cloudwatch")
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    (message,) = told.messages()
    assert (message["NewStateValue"], message["NewStateReason"]) == ("ALARM", "a drill")
    deployed.minutes(1)
    assert told.states() == [(name, "OK")]


def test_composite_alarm_follows_its_parts_in_the_same_minute(deployed: Deployed) -> None:
    told, silent = Told(deployed), Told(deployed)
    first = put_alarm(deployed, silent, "first")
    second = put_alarm(deployed, silent, "second", Threshold=2)
    client = deployed.client("cloudwatch")
    for name, rule in (("whole", "ALARM(outer)"), ("outer", f"ALARM({first}) AND OK({second})")):
        # `whole` asks for an alarm that comes after it: it is put again once that is there.
        client.put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
        if name == "outer":
            client.put_composite_alarm(AlarmName=name, AlarmRule=rule)
    client.put_composite_alarm(
        AlarmName="whole", AlarmRule="ALARM(outer)", AlarmActions=[told.topic]
    )
    deployed.minutes(1)
    deployed.invoke(fail=1)

    deployed.minutes(1)

    (message,) = told.messages()
    assert (message["AlarmName"], message["NewStateValue"]) == ("whole", "ALARM")
    assert message["AlarmRule"] == "ALARM(outer)"
    composites = client.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert {alarm["StateValue"] for alarm in composites} == {"ALARM"}


def test_alarms_are_found_by_name_prefix_state_and_action(deployed: Deployed) -> None:
    told = Told(deployed)
    put_alarm(deployed, told, "a-one")
    put_alarm(deployed, Told(deployed), "b-two", Threshold=0)
    deployed.minutes(1)
    client = deployed.client("cloudwatch")

    def found(**asked: object) -> list[str]:
        alarms = client.describe_alarms(**asked)["MetricAlarms"]
        return sorted(alarm["AlarmName"] for alarm in alarms)

    assert found() == ["a-one", "b-two"]
    assert found(AlarmNamePrefix="a-") == ["a-one"]
    assert found(StateValue="OK", AlarmNamePrefix="b-") == ["b-two"]
    assert found(StateValue="ALARM") == []
    assert found(ActionPrefix=told.topic) == ["a-one"]
