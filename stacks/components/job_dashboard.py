"""One page that answers: are my jobs healthy, and what do they cost?

It decides what is worth a place on it and in which order: alarms, jobs, functions, the API, money.
It shows only metrics that exist: what AWS publishes by itself and what the functions count.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from prices.us_east_1 import AS_OF, REGION
from settings.stage import StageSettings
from stacks.components import workload_metrics as ours
from stacks.components.cost_metrics import (
    api_cost,
    function_costs,
    total_cost,
    transition_cost,
)
from stacks.components.watched_function import WatchedFunction

_FIVE_MINUTES = Duration.minutes(5)
_COLUMNS = 24
_HEIGHT = 6

_CAVEAT = (
    "## What it costs\n"
    f"Estimates from metrics, at the prices of {REGION} of {AS_OF}: Lambda's compute, requests and "
    "provisioned concurrency, Step Functions' transitions, the API's requests. **Another region "
    "has other prices.** Not in it: S3, logs, traces, initialisation, the free tier, discounts. "
    "What is kept warm is counted only where there were requests in the time shown."
)


class JobDashboard(Construct):
    """The dashboard of one stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        functions: Sequence[WatchedFunction],
        machine: sfn.StateMachine,
        api: apigatewayv2.HttpStage,
        alarms: Sequence[cloudwatch.Alarm],
    ) -> None:
        """Show `functions`, the jobs of `machine`, `api` and the state of `alarms`."""
        super().__init__(scope, construct_id)
        self._stage = stage
        self._functions = list(functions)
        dashboard = cloudwatch.Dashboard(self, "Default", default_interval=Duration.days(1))
        dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=list(alarms), width=_COLUMNS, height=_HEIGHT
            )
        )
        dashboard.add_widgets(*self._jobs(machine))
        dashboard.add_widgets(*self._work())
        dashboard.add_widgets(*self._trouble())
        dashboard.add_widgets(*self._concurrency())
        dashboard.add_widgets(*self._requests(api))
        dashboard.add_widgets(cloudwatch.TextWidget(markdown=_CAVEAT, width=_COLUMNS, height=3))
        dashboard.add_widgets(*self._cost(machine, api))

    def _jobs(self, machine: sfn.StateMachine) -> list[cloudwatch.IWidget]:
        return [
            _graph(
                "Jobs",
                machine.metric_started(label="started"),
                machine.metric_succeeded(label="succeeded"),
                machine.metric_failed(label="failed"),
                machine.metric_timed_out(label="timed out"),
                machine.metric_aborted(label="stopped"),
            ),
            _graph(
                "How long a job takes, ms",
                machine.metric_time(statistic="Average", label="average"),
                machine.metric_time(statistic="Maximum", label="longest"),
            ),
        ]

    def _work(self) -> list[cloudwatch.IWidget]:
        return [
            _graph("Shards done", self._ours(ours.SHARDS, "classify", "Sum", "shards")),
            _graph(
                "Images classified",
                self._ours(ours.IMAGES, "classify", "Sum", "in jobs"),
                self._ours(ours.IMAGES, "predict", "Sum", "by request"),
            ),
            _graph(
                "Time per image, ms", self._ours(ours.IMAGE_TIME, "classify", "Average", "in jobs")
            ),
        ]

    def _trouble(self) -> list[cloudwatch.IWidget]:
        each = self._functions
        return [
            _graph("Errors", *(f.live.metric_errors(label=f.name) for f in each)),
            _graph("Failures by kind", ours.failures_by_kind(stage=self._stage.name)),
            _graph("Throttles", *(f.live.metric_throttles(label=f.name) for f in each)),
            _graph(
                "Duration p99, ms",
                *(f.live.metric_duration(statistic="p99", label=f.name) for f in each),
            ),
        ]

    def _concurrency(self) -> list[cloudwatch.IWidget]:
        widgets: list[cloudwatch.IWidget] = [
            _graph(
                "Concurrency, and what is reserved",
                *(
                    f.live.metric("ConcurrentExecutions", statistic="Maximum", label=f.name)
                    for f in self._functions
                ),
                limits={
                    f"reserved for {f.name}": f.settings.reserved_concurrency
                    for f in self._functions
                    if f.settings.reserved_concurrency is not None
                },
            ),
            _graph(
                "Cold starts",
                *(self._ours(ours.COLD_STARTS, f.name, "Sum", f.name) for f in self._functions),
            ),
        ]
        kept = [f for f in self._functions if f.settings.provisioned is not None]
        if kept:
            widgets.append(
                _graph(
                    "Provisioned concurrency",
                    *(
                        f.live.metric(
                            f"ProvisionedConcurrency{metric}", statistic="Sum", label=label
                        )
                        for f in kept
                        for metric, label in (
                            ("Invocations", f"{f.name}: met a warm one"),
                            ("SpilloverInvocations", f"{f.name}: did not"),
                        )
                    ),
                )
            )
        return widgets

    def _requests(self, api: apigatewayv2.HttpStage) -> list[cloudwatch.IWidget]:
        return [
            _graph(
                "Requests",
                api.metric_count(statistic="Sum", label="all"),
                api.metric_client_error(statistic="Sum", label="4xx"),
                api.metric_server_error(statistic="Sum", label="5xx"),
            ),
            _graph(
                "Latency, ms",
                api.metric_latency(statistic="p50", label="p50"),
                api.metric_latency(statistic="p99", label="p99"),
            ),
        ]

    def _cost(
        self, machine: sfn.StateMachine, api: apigatewayv2.HttpStage
    ) -> list[cloudwatch.IWidget]:
        costs: list[cloudwatch.IMetric] = [
            cost
            for function in self._functions
            for cost in function_costs(function, self._stage.architecture)
        ]
        costs += [transition_cost(machine, self._functions), api_cost(api)]
        return [
            cloudwatch.GraphWidget(
                title="US dollars in five minutes",
                left=costs,
                stacked=True,
                period=_FIVE_MINUTES,
                width=_COLUMNS * 3 // 4,
                height=_HEIGHT,
            ),
            cloudwatch.SingleValueWidget(
                title="US dollars in the time shown",
                metrics=[total_cost(costs)],
                set_period_to_time_range=True,
                full_precision=True,
                width=_COLUMNS // 4,
                height=_HEIGHT,
            ),
        ]

    def _ours(self, name: str, function: str, statistic: str, label: str) -> cloudwatch.Metric:
        return ours.workload_metric(
            name, function=function, stage=self._stage.name, statistic=statistic, label=label
        )


def _graph(
    title: str, *metrics: cloudwatch.IMetric, limits: dict[str, int] | None = None
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_annotations=[
            cloudwatch.HorizontalAnnotation(label=label, value=value)
            for label, value in (limits or {}).items()
        ],
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        period=_FIVE_MINUTES,
        width=_COLUMNS // 4,
        height=_HEIGHT,
    )
