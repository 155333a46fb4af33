"""What tells its owner how a stage is: alarms, one dashboard, a monthly budget.

It composes; which values are alarming is decided in components/. A stage without it works the same
and is free while idle; nothing else refers to it, so it comes last and goes first.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.alarm_topic import AlarmTopic
from stacks.components.api_alarms import ApiAlarms
from stacks.components.function_alarms import FunctionAlarms
from stacks.components.job_alarms import JobAlarms
from stacks.components.job_dashboard import JobDashboard
from stacks.components.monthly_budget import MonthlyBudget
from stacks.components.watched_function import WatchedFunction
from stacks.stage_stack import APP, StageStack
from workloads.catalogue import CLASSIFY, FUNCTIONS, REDUCE


class MonitoringStack(StageStack):
    """Alarms that reach somebody, and the page to look at when they do."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        functions: Mapping[str, lambda_.Alias],
        machine: sfn.StateMachine,
        api: apigatewayv2.HttpStage,
    ) -> None:
        """Watch `functions` (an alias by name), the jobs of `machine` and the requests to `api`."""
        super().__init__(scope, construct_id, stage=stage, description="Alarms, dashboard, budget")
        topic = AlarmTopic(self, "AlarmTopic", email=stage.alarm_email)

        widths = {CLASSIFY: stage.map_concurrency, REDUCE: stage.reduce_concurrency}
        watched = [
            WatchedFunction(
                declared=declared,
                live=functions[declared.name],
                settings=stage.functions[declared.name],
                map_width=widths.get(declared),
            )
            for declared in FUNCTIONS
        ]
        alarms = [
            *JobAlarms(self, "Job", machine=machine, topic=topic).alarms,
            *ApiAlarms(self, "Api", stage=api, topic=topic).alarms,
        ]
        for function in watched:
            name = function.name.title()
            alarms += FunctionAlarms(self, name, function=function, topic=topic).alarms

        JobDashboard(
            self,
            "Dashboard",
            stage=stage,
            functions=watched,
            machine=machine,
            api=api,
            alarms=alarms,
        )
        if stage.monthly_budget_usd is not None:
            MonthlyBudget(
                self,
                "MonthlyBudget",
                usd=stage.monthly_budget_usd,
                tags={"app": APP, "stage": stage.name},
                topic=topic,
            )
        CfnOutput(self, "AlarmTopicArn", value=topic.topic.topic_arn)
