"""Which permission an operation needs on which resource, for each service that this cloud serves.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
The resource is named by one of the operation's own parameters, in the order given here. An
operation that has none of them, and is not listed as one about all resources, is not modelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.iam import arns
from localcloud.iam.call import Account, Call, KeyValues, NotModelledError
from localcloud.iam.operations import Operation

Resource = Callable[[Account, Any, Mapping[str, Any]], str]


@dataclass(frozen=True)
class Service:
    """`by_parameter` turns the value of a parameter into the ARN that it means.

    `everywhere` are operations on no resource in particular, `free` those that need no permission.
    `renamed` are permissions not called like their operation; `roles` the parameter with which an
    operation hands a role to a service, and that service.
    """

    model: str
    prefix: str
    by_parameter: Mapping[str, Resource] = field(default_factory=dict)
    everywhere: Mapping[str, str] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


def _all(*operations: str) -> dict[str, str]:
    return dict.fromkeys(operations, "*")


SERVICES: dict[str, Service] = {
    "lambda": Service(
        model="lambda",
        prefix="lambda",
        by_parameter={"FunctionName": arns.function, "Resource": arns.as_given},
        everywhere=_all("ListFunctions", "GetAccountSettings"),
        renamed={"Invoke": "InvokeFunction"},
        roles=dict.fromkeys(
            ("CreateFunction", "UpdateFunctionConfiguration"), ("Role", "lambda.amazonaws.com")
        ),
    ),
    "states": Service(
        model="stepfunctions",
        prefix="states",
        by_parameter={
            "stateMachineArn": arns.as_given,
            "mapRunArn": arns.as_given,
            "executionArn": arns.as_given,
            "resourceArn": arns.as_given,
            "name": lambda account, name, _: account.arn("states", f"stateMachine:{name}"),
        },
        everywhere=_all(
            "ListStateMachines",
            "SendTaskSuccess",
            "SendTaskFailure",
            "SendTaskHeartbeat",
            "ValidateStateMachineDefinition",
        ),
        roles=dict.fromkeys(
            ("CreateStateMachine", "UpdateStateMachine"), ("roleArn", "states.amazonaws.com")
        ),
    ),
    "logs": Service(
        model="logs",
        prefix="logs",
        by_parameter={
            "logGroupName": arns.log_stream,
            "logGroupIdentifier": arns.log_stream,
            "resourceArn": arns.as_given,
        },
        everywhere=_all(
            "CreateLogDelivery",
            "GetLogDelivery",
            "UpdateLogDelivery",
            "DeleteLogDelivery",
            "ListLogDeliveries",
            "PutResourcePolicy",
            "DescribeResourcePolicies",
            "DescribeLogGroups",
        ),
    ),
    "monitoring": Service(
        model="cloudwatch",
        prefix="cloudwatch",
        by_parameter={
            "AlarmName": arns.alarm,
            "AlarmNames": arns.alarm,
            "DashboardName": arns.dashboard,
            "DashboardNames": arns.dashboard,
            "ResourceARN": arns.as_given,
        },
        everywhere=_all("PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"),
        keys={"Namespace": "cloudwatch:namespace"},
    ),
    # Two permissions stand for all operations:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html
    "budgets": Service(
        model="budgets",
        prefix="budgets",
        by_parameter={"BudgetName": arns.budget, "Budget": arns.budget, "NewBudget": arns.budget},
        renamed={
            **dict.fromkeys(
                ("CreateBudget", "UpdateBudget", "DeleteBudget"),
                "ModifyBudget",
            ),
            **dict.fromkeys(
                (
                    "DescribeBudget",
                    "DescribeNotificationsForBudget",
                    "DescribeSubscribersForNotification",
                ),
                "ViewBudget",
            ),
        },
    ),
    "ecr": Service(
        model="ecr",
        prefix="ecr",
        by_parameter={
            "repositoryName": arns.repository,
            "repositoryNames": arns.repository,
            "resourceArn": arns.as_given,
        },
        everywhere=_all("GetAuthorizationToken"),
    ),
    "ssm": Service(
        model="ssm",
        prefix="ssm",
        by_parameter={
            "Name": arns.parameter,
            "Names": arns.parameter,
            "Path": arns.parameter,
            # Of tags; parameters are the only resources of this service that there are here.
            "ResourceId": arns.parameter,
        },
        everywhere=_all("DescribeParameters"),
    ),
    "sts": Service(
        model="sts",
        prefix="sts",
        by_parameter={"RoleArn": arns.as_given},
        free=frozenset(("GetCallerIdentity", "GetSessionToken")),
        keys={"ExternalId": "sts:ExternalId", "RoleSessionName": "sts:RoleSessionName"},
    ),
    "iam": Service(
        model="iam",
        prefix="iam",
        by_parameter={
            # First: a role is put into the profile, which is what the operation is about.
            "InstanceProfileName": arns.instance_profile,
            "RoleName": arns.role,
            "UserName": arns.user,
            "PolicyArn": arns.as_given,
            "PolicyName": lambda account, name, _: f"arn:aws:iam::{account.number}:policy/{name}",
        },
        everywhere=_all("ListRoles", "ListUsers", "ListPolicies", "GetAccountSummary"),
        roles={"AddRoleToInstanceProfile": ("RoleName", "ec2.amazonaws.com")},
        keys={"PolicyArn": "iam:PolicyARN", "PermissionsBoundary": "iam:PermissionsBoundary"},
    ),
    "cloudformation": Service(
        model="cloudformation",
        prefix="cloudformation",
        by_parameter={"StackName": arns.stack, "ChangeSetName": arns.as_given},
        everywhere=_all("ListStacks", "ListExports", "ListImports", "ValidateTemplate"),
        roles=dict.fromkeys(
            ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack"),
            ("RoleARN", "cloudformation.amazonaws.com"),
        ),
        keys={
            "ChangeSetName": "cloudformation:ChangeSetName",
            "RoleARN": "cloudformation:RoleArn",
            "TemplateURL": "cloudformation:TemplateUrl",
        },
    ),
    "application-autoscaling": Service(
        model="application-autoscaling",
        prefix="application-autoscaling",
        everywhere=_all(
            "RegisterScalableTarget",
            "DeregisterScalableTarget",
            "DescribeScalableTargets",
            "PutScalingPolicy",
            "DeleteScalingPolicy",
            "DescribeScalingPolicies",
            "PutScheduledAction",
            "DeleteScheduledAction",
            "DescribeScheduledActions",
            "DescribeScalingActivities",
        ),
    ),
    "sns": Service(
        model="sns",
        prefix="sns",
        by_parameter={
            # First of the two that Publish may name, as it is served.
            "TargetArn": arns.as_given,
            "TopicArn": arns.as_given,
            "ResourceArn": arns.as_given,
            "SubscriptionArn": lambda account, arn, _: str(arn).rpartition(":")[0],
            "Name": lambda account, name, _: account.arn("sns", str(name)),
        },
        everywhere=_all("ListTopics", "ListSubscriptions"),
    ),
    "sqs": Service(
        model="sqs",
        prefix="sqs",
        by_parameter={"QueueUrl": arns.queue},
    ),
    "events": Service(model="events", prefix="events", by_parameter={"Entries": arns.event_bus}),
    "kms": Service(
        model="kms",
        prefix="kms",
        by_parameter={"KeyId": arns.key, "AliasName": arns.key_alias},
        everywhere=_all("CreateKey", "ListKeys", "ListAliases"),
    ),
    "xray": Service(
        model="xray",
        prefix="xray",
        everywhere=_all(
            "PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"
        ),
    ),
}
# Operations of these services whose parameters mean something else than what is modelled.
_ABOUT = {"ssm": re.compile("Parameter|TagsToResource|TagsFromResource|TagsForResource")}


def calls_of(service_name: str, operation: Operation, account: Account) -> list[Call]:
    """What an operation needs. Raises NotModelledError."""
    service = SERVICES[service_name]
    if operation.name in service.free:
        return []
    action = f"{service.prefix}:{service.renamed.get(operation.name, operation.name)}"
    keys: KeyValues = {
        key: str(operation.parameters[name])
        for name, key in service.keys.items()
        if name in operation.parameters
    }
    calls = [
        Call(action, resource, keys)
        for resource in _resources(service_name, service, operation, account)
    ]
    return [*calls, *_passed_role(service, operation, account)]


def _resources(
    service_name: str, service: Service, operation: Operation, account: Account
) -> Iterable[str]:
    if operation.name in service.everywhere:
        return [service.everywhere[operation.name]]
    if not _ABOUT.get(service_name, re.compile("")).search(operation.name):
        raise NotModelledError(f"{service.prefix}:{operation.name}")
    possible = [name for name in service.by_parameter if name in operation.members]
    if not possible:
        raise NotModelledError(f"{service.prefix}:{operation.name}")
    for name in possible:
        value = operation.parameters.get(name)
        if value:
            values = value if isinstance(value, list) else [value]
            resource = service.by_parameter[name]
            return [resource(account, one, operation.parameters) for one in values]
    # The operation is about all of them when it is not about one.
    return ["*"]


def _passed_role(service: Service, operation: Operation, account: Account) -> Iterable[Call]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    parameter, principal = service.roles.get(operation.name, ("", ""))
    role = operation.parameters.get(parameter)
    if role:
        arn = role if str(role).startswith("arn:") else arns.role(account, role, {})
        yield Call("iam:PassRole", str(arn), {"iam:PassedToService": principal})
