"""The metrics that the functions themselves publish, as a dashboard names them.

It decides the namespace, and what the functions are told of it through their environment. A metric
here has two dimensions, the function (`service`, which is Powertools' word) and the stage; its
names are those of lambda_src/shpc_lambda/metrics.py, which a test holds together with these. Where
nobody looks at metrics, none are published: each is paid for in every hour in which it gets data.
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from settings.stage import StageSettings
from workloads.catalogue import Function

NAMESPACE = "shpc"

IMAGES = "ImagesClassified"
SHARDS = "ShardsDone"
IMAGE_TIME = "TimePerImage"
COLD_STARTS = "ColdStarts"
FAILURES = "Failures"


def telemetry_environment(declared: Function, stage: StageSettings) -> dict[str, str]:
    """What `declared` needs to know to log and to count.

    https://docs.aws.amazon.com/powertools/python/latest/environment_variables/
    """
    return {
        "POWERTOOLS_SERVICE_NAME": declared.name,
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
        "POWERTOOLS_METRICS_DISABLED": "false" if stage.alarms else "true",
        "STAGE": stage.name,
    }


def workload_metric(
    name: str, *, function: str, stage: str, statistic: str, label: str
) -> cloudwatch.Metric:
    """One metric of one function."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": function, "stage": stage},
        statistic=statistic,
        label=label,
    )


def failures_by_kind(*, stage: str) -> cloudwatch.MathExpression:
    """Every series of failures that there is in a stage, whatever kinds and functions failed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    wanted = f'{{{NAMESPACE},error,service,stage}} MetricName="{FAILURES}" stage="{stage}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{wanted}', 'Sum')", using_metrics={}, label=""
    )
