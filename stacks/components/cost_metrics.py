"""What a stage costs, as metric math over what CloudWatch counts anyway.

It decides which part of the bill is estimated and how: Lambda's compute, requests and provisioned
concurrency, Step Functions' transitions and the API's requests, at the prices of us-east-1. Not in
it: S3, logs, traces, initialisation (billed, but not in the metric Duration), free tier, discounts.
The monthly budget is what goes by the bill itself.
"""

from __future__ import annotations

from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from prices import us_east_1 as prices
from settings.stage import Architecture
from stacks.components.watched_function import WatchedFunction

# Plan, ClassifyShards, ReduceGroups and Report; to start a child, and the one state that it has.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
_TRANSITIONS_PER_JOB = 4
_TRANSITIONS_PER_CHILD = 2


def function_costs(
    function: WatchedFunction, architecture: Architecture
) -> list[cloudwatch.IMetric]:
    """US dollars per period: compute with its requests and, where there is some, keeping warm."""
    name, live, kept = function.name, function.live, function.settings.provisioned
    gigabytes = function.settings.memory_mb / 1024
    on_demand = prices.LAMBDA_COMPUTE[architecture.value]
    time, calls = f"{name}_ms", f"{name}_calls"
    metrics: dict[str, cloudwatch.IMetric] = {
        time: live.metric_duration(statistic="Sum"),
        calls: live.metric_invocations(),
    }
    per_ms = _number(on_demand.of(gigabytes / 1000))
    if kept is not None:
        # What ran in a warm environment is charged less for its time, as the environment is paid.
        provisioned = prices.LAMBDA_PROVISIONED_COMPUTE[architecture.value]
        metrics[f"{name}_warm"] = live.metric("ProvisionedConcurrencyInvocations", statistic="Sum")
        less = _number((on_demand.of(gigabytes) - provisioned.of(gigabytes)) / 1000)
        per_ms = f"({per_ms} - {less} * IF({calls} > 0, FILL({name}_warm, 0) / {calls}, 0))"
    per_call = _number(prices.LAMBDA_REQUEST.of(1))
    used = cloudwatch.MathExpression(
        expression=f"{time} * {per_ms} + {calls} * {per_call}",
        using_metrics=metrics,
        label=f"{name}: compute",
    )
    if kept is None:
        return [used]
    in_use, share = f"{name}_in_use", f"{name}_share"
    # No metric says how many are kept: those in use by their share of them, at least the minimum.
    warm = cloudwatch.MathExpression(
        expression=(
            f"FILL(IF({share} > 0, {in_use} / {share}, {kept.minimum}), {kept.minimum})"
            f" * PERIOD({in_use})"
            f" * {_number(prices.LAMBDA_PROVISIONED[architecture.value].of(gigabytes))}"
        ),
        using_metrics={
            in_use: live.metric("ProvisionedConcurrentExecutions", statistic="Maximum"),
            share: live.metric("ProvisionedConcurrencyUtilization", statistic="Maximum"),
        },
        label=f"{name}: kept warm",
    )
    return [used, warm]


def transition_cost(
    machine: sfn.StateMachine, functions: list[WatchedFunction]
) -> cloudwatch.MathExpression:
    """Each invocation by a map is taken for a child: a retry costs one transition, not two."""
    children = {
        f"{each.name}_children": each.live.metric_invocations()
        for each in functions
        if each.map_width is not None
    }
    jobs = f"{_TRANSITIONS_PER_JOB} * FILL(jobs, 0)"
    items = " + ".join(f"{_TRANSITIONS_PER_CHILD} * FILL({name}, 0)" for name in children)
    per_transition = _number(prices.STANDARD_TRANSITION.of(1))
    return cloudwatch.MathExpression(
        expression=f"({jobs} + {items}) * {per_transition}",
        using_metrics={"jobs": machine.metric_started(), **children},
        label="Step Functions",
    )


def api_cost(stage: apigatewayv2.HttpStage) -> cloudwatch.MathExpression:
    """US dollars per period for requests to the API."""
    return cloudwatch.MathExpression(
        expression=f"requests * {_number(prices.HTTP_API_REQUEST.of(1))}",
        using_metrics={"requests": stage.metric_count(statistic="Sum")},
        label="HTTP API",
    )


def total_cost(costs: list[cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """The sum of `costs`; a part without data counts as nothing."""
    parts = {f"cost_{number}": cost for number, cost in enumerate(costs)}
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({part}, 0)" for part in parts),
        using_metrics=parts,
        label="US dollars",
    )


def _number(value: float) -> str:
    """Metric math knows no exponents: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""
    return f"{value:.16f}".rstrip("0")
