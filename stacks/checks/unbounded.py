"""What is granted on `*`, and why: the whole list.

It decides nothing but this table. tests/stacks walk every statement against it, both ways: a `*`
that is not listed fails, and so does a line that no template needs. docs/permissions.md shows it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Unbounded:
    """Actions that stand on `*`; AWS lets nobody bound them by a resource, as `source` says."""

    actions: frozenset[str]
    reason: str
    source: str


LOG_DELIVERY = Unbounded(
    actions=frozenset(
        {
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        }
    ),
    reason="Step Functions sets up the delivery of the machine's own log with the machine's "
    "role; deliveries belong to the account and have no ARN of a log group",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy",
)
SEND_TRACES = Unbounded(
    actions=frozenset({"xray:PutTelemetryRecords", "xray:PutTraceSegments"}),
    reason="a function and the machine send their own trace segments; X-Ray knows no resource "
    "to send them to",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
)
SAMPLE_TRACES = Unbounded(
    actions=frozenset({"xray:GetSamplingRules", "xray:GetSamplingTargets"}),
    reason="Step Functions asks which requests to trace; the rules are the account's",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html",
)
REGISTRY_TOKEN = Unbounded(
    actions=frozenset({"ecr:GetAuthorizationToken"}),
    reason="ECS signs in to the registry with the job's execution role before it pulls the "
    "image; the token is the registry's, the pull itself is bounded to one repository",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html",
)
POLL_ENDPOINT = Unbounded(
    actions=frozenset({"ecs:DiscoverPollEndpoint"}),
    reason="the agent of a Batch machine asks where to poll for work before it belongs to a "
    "cluster",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html",
)

UNBOUNDED = (LOG_DELIVERY, SEND_TRACES, SAMPLE_TRACES, REGISTRY_TOKEN, POLL_ENDPOINT)
