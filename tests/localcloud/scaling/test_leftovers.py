"""A stack that is watched and scaled leaves nothing behind in the services that it is made in."""

from __future__ import annotations

from typing import Any

from localcloud.residue import Inventory, difference, snapshot
from tests.localcloud.scaling.deployed import Deployed, policy, target

_STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "kms:*",
    "Resource": "*",
}
WATCHED: dict[str, Any] = {
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "KeyPolicy": {"Version": "2012-10-17", "Statement": [_STATEMENT]},
            "PendingWindowInDays": 7,
        },
    },
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}},
    "Mail": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "Endpoint": "a@example.com",
            "Protocol": "email",
            "TopicArn": {"Ref": "Topic"},
        },
    },
    "Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmActions": [{"Ref": "Topic"}],
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        },
    },
    "Whole": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}},
    },
    "Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}},
    "Budget": {
        "Type": "AWS::Budgets::Budget",
        "Properties": {
            "Budget": {
                "BudgetLimit": {"Amount": 10, "Unit": "USD"},
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
            }
        },
    },
    "Target": target(
        2,
        6,
        ScheduledActions=[
            {
                "ScheduledActionName": "daily",
                "Schedule": "rate(1 day)",
                "ScalableTargetAction": {"MinCapacity": 2},
            }
        ],
    ),
    "Policy": policy(0.6),
}


def _snapshot(deployed: Deployed) -> Inventory:
    cloud = deployed.cloud
    return snapshot(cloud.context, cloud.functions, cloud.cloudformation)


def test_each_service_is_looked_at_and_nothing_is_left(deployed: Deployed) -> None:
    before = _snapshot(deployed)
    deployed.deploy(**WATCHED)
    deployed.minutes(1)
    while_up = {(left.service, left.collection.split(".")[0]) for left in _left(deployed, before)}
    assert while_up >= {
        ("kms", "keys"),
        ("sns", "topics"),
        ("sns", "subscriptions"),
        ("cloudwatch", "alarms"),
        ("cloudwatch", "dashboards"),
        ("budgets", "budgets"),
        ("application-autoscaling", "targets"),
        ("application-autoscaling", "policies"),
        ("application-autoscaling", "scheduled_actions"),
        ("lambda", "_lambdas"),
        ("processes", "environments"),
    }

    deployed.destroy()

    # What functions log outlives them, on AWS too, unless a stack has the log group.
    left = [str(one) for one in _left(deployed, before) if one.service != "logs"]
    assert left == []


def _left(deployed: Deployed, before: Inventory) -> list[Any]:
    return difference(before, _snapshot(deployed))
