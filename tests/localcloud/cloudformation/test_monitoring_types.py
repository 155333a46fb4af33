"""Alarms, composite alarms, dashboards and budgets: made, changed in place, removed, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.resources import OneResource, own_tags, tags

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
ERRORS: dict[str, Any] = {
    "ComparisonOperator": "GreaterThanThreshold",
    "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    "EvaluationPeriods": 3,
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
}


def _metric(metric_id: str, name: str, period: int = 60, stat: str = "Sum") -> dict[str, Any]:
    return {
        "Id": metric_id,
        "MetricStat": {
            "Metric": {"MetricName": name, "Namespace": "AWS/Lambda"},
            "Period": period,
            "Stat": stat,
        },
        "ReturnData": False,
    }


def _math(expression: str, *metrics: dict[str, Any]) -> dict[str, Any]:
    return {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "EvaluationPeriods": 1,
        "Metrics": [{"Expression": expression, "Id": "expr_1"}, *metrics],
        "Threshold": 1,
    }


def test_new_alarm_has_no_data_and_a_changed_one_keeps_its_state(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CloudWatch::Alarm")
    client = cloud.client("cloudwatch")
    name = subject.create(**ERRORS)
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")

    subject.update(**{**ERRORS, "Threshold": 2})

    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["StateValue"]) == (2, "ALARM")


def test_alarm_of_an_expression(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CloudWatch::Alarm")
    name = subject.create(**_math("e/FILL(i,1)", _metric("e", "Errors"), _metric("i", "Calls")))
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["Metrics"][0]["Expression"] == "e/FILL(i,1)"
    subject.delete()


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({**ERRORS, "Period": 10}, "Period 10"),
        ({**ERRORS, "Statistic": "TM90"}, "TM90"),
        ({**ERRORS, "ExtendedStatistic": "p99"}, "one of Statistic and ExtendedStatistic"),
        ({**ERRORS, "ComparisonOperator": "LessThanLowerThreshold"}, "LessThanLowerThreshold"),
        ({**ERRORS, "TreatMissingData": "forget"}, "forget"),
        ({**ERRORS, "DatapointsToAlarm": 4}, "DatapointsToAlarm 4"),
        ({**ERRORS, "EvaluationPeriods": 1441}, "EvaluationPeriods times Period"),
        ({**ERRORS, "ThresholdMetricId": "ad1"}, "ThresholdMetricId"),
        ({**ERRORS, "EvaluateLowSampleCountPercentile": "ignore"}, "EvaluateLowSampleCount"),
        ({**ERRORS, "AlarmActions": ["arn:aws:ssm:us-east-1:123456789012:opsitem:1"]}, "opsitem"),
        ({**ERRORS, "OKActions": [f"{TOPIC}.fifo"]}, "fifo"),
        (_math("ANOMALY_DETECTION_BAND(e)", _metric("e", "Errors")), "ANOMALY_DETECTION_BAND"),
        (_math("SELECT MAX(a) FROM b"), "SELECT MAX"),
        (_math("e/i", _metric("e", "Errors")), "asks for i"),
        (_math("e/i", _metric("e", "Errors"), _metric("i", "Calls", 300)), "one period"),
    ],
)
def test_alarm_that_would_stay_silent_is_refused_by_name(
    cloud: CloudUnderTest, properties: dict[str, Any], named: str
) -> None:
    template = {"Resources": {"R": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    assert cloud.create("one", template)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(named in reason for reason in cloud.reasons("one"))
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_refused_change_leaves_the_alarm_as_it_was(cloud: CloudUnderTest) -> None:
    resource = {"Type": "AWS::CloudWatch::Alarm", "Properties": ERRORS}
    cloud.create("one", {"Resources": {"R": resource}})
    wrong = {**resource, "Properties": {**ERRORS, "Statistic": "TM90"}}
    assert (
        cloud.update("one", {"Resources": {"R": wrong}})["StackStatus"]
        == "UPDATE_ROLLBACK_COMPLETE"
    )
    (alarm,) = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["Statistic"] == "Sum"


def test_composite_alarm(cloud: CloudUnderTest) -> None:
    part = {"Type": "AWS::CloudWatch::Alarm", "Properties": ERRORS}
    subject = OneResource(cloud, "AWS::CloudWatch::CompositeAlarm", Part=part)
    client = cloud.client("cloudwatch")
    rule = {"Fn::Sub": '(ALARM("${Part.Arn}") OR NOT OK(${Part}))'}
    name = subject.create(AlarmName="whole", AlarmRule=rule, Tags=tags(("a", "1")))
    assert name == "whole"
    assert [alarm["AlarmName"] for alarm in client.describe_alarms()["MetricAlarms"]] != [name]

    subject.update(AlarmName="whole", AlarmRule="FALSE", OKActions=[TOPIC], Tags=tags(("b", "2")))

    (alarm,) = client.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (alarm["AlarmRule"], alarm["OKActions"]) == ("FALSE", [TOPIC])
    listed = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert own_tags(listed) == {"b": "2"}
    subject.delete()
    assert client.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("ALARM(nobody)", "nobody"),
        ("ALARM(R", "ALARM(R"),
        ("OK", "'OK'"),
        ("TRUE AND", "its end"),
        ("TRUE TRUE", "'TRUE'"),
        ("(TRUE", "its end"),
        ("WRONG(a)", "WRONG"),
    ],
)
def test_composite_alarm_with_a_wrong_rule_is_refused(
    cloud: CloudUnderTest, rule: str, named: str
) -> None:
    resource = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}}
    stack = cloud.create("one", {"Resources": {"R": resource}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(named in reason for reason in cloud.reasons("one"))


def _budget(amount: int) -> dict[str, Any]:
    return {
        "BudgetLimit": {"Amount": amount, "Unit": "USD"},
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
    }


def _told(address: str, threshold: int = 80) -> list[dict[str, Any]]:
    notification = {
        "ComparisonOperator": "GREATER_THAN",
        "NotificationType": "ACTUAL",
        "Threshold": threshold,
        "ThresholdType": "PERCENTAGE",
    }
    subscriber = {"Address": address, "SubscriptionType": "SNS"}
    return [{"Notification": notification, "Subscribers": [subscriber]}]


def test_budget(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Budgets::Budget")
    client = cloud.client("budgets")
    where = {"AccountId": "123456789012"}
    name = subject.create(Budget=_budget(100), NotificationsWithSubscribers=_told(TOPIC))

    subject.update(Budget=_budget(250), NotificationsWithSubscribers=_told(TOPIC))

    budget = client.describe_budget(**where, BudgetName=name)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "250", "Unit": "USD"}
    (notification,) = client.describe_notifications_for_budget(**where, BudgetName=name)[
        "Notifications"
    ]
    subscribers = client.describe_subscribers_for_notification(
        **where, BudgetName=name, Notification=notification
    )["Subscribers"]
    assert subscribers == [{"Address": TOPIC, "SubscriptionType": "SNS"}]
    subject.delete()
    assert client.describe_budgets(**where)["Budgets"] == []


def test_budget_is_replaced_when_others_shall_be_told(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Budgets::Budget")
    former = subject.create(Budget=_budget(100), NotificationsWithSubscribers=_told(TOPIC))
    template = subject._template(
        {"Budget": _budget(100), "NotificationsWithSubscribers": _told(f"{TOPIC}2")}
    )
    assert cloud.update("one", template)["StackStatus"] == "UPDATE_COMPLETE"
    (budget,) = cloud.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
    assert budget["BudgetName"] == cloud.physical_id("one", "R") != former


def test_budget_name_cannot_change(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::Budgets::Budget")
    subject.create(Budget={**_budget(100), "BudgetName": "first"})
    changed = subject._template({"Budget": {**_budget(100), "BudgetName": "second"}})
    assert cloud.update("one", changed)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    (budget,) = cloud.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
    assert budget["BudgetName"] == "first"


def test_dashboard_has_tags(cloud: CloudUnderTest) -> None:
    subject = OneResource(cloud, "AWS::CloudWatch::Dashboard")
    client = cloud.client("cloudwatch")
    name = subject.create(DashboardBody="{}", Tags=tags(("a", "1"), ("b", "2")))
    subject.update(DashboardBody="{}", Tags=tags(("b", "3")))
    arn = client.get_dashboard(DashboardName=name)["DashboardArn"]
    assert own_tags(client.list_tags_for_resource(ResourceARN=arn)["Tags"]) == {"b": "3"}
    subject.delete()
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_dashboard_with_a_body_that_is_not_json_is_refused(cloud: CloudUnderTest) -> None:
    body = json.dumps({"widgets": []})
    resource = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body[:-1]}}
    stack = cloud.create("one", {"Resources": {"R": resource}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
