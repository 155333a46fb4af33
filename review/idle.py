"""What a stage costs in a month in which nobody uses it, resource by resource.

It decides what each resource type costs while idle: nothing, what is stored in it, or so much. A
type that is in no table is unknown; it is never taken for free. Not in it: what use brings, the
free tier, and the bootstrap stack, which is the account's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prices import us_east_1 as prices
from prices.price import Price
from review.assembly import Assembly, Resource
from review.intrinsics import Names

_SECONDS_PER_MONTH = prices.HOURS_PER_MONTH * 3600


@dataclass(frozen=True, kw_only=True)
class Charge:
    """So much of something for a month, and why."""

    what: str
    quantity: float
    price: Price

    @property
    def usd(self) -> float:
        """US dollars a month."""
        return self.price.of(self.quantity)


@dataclass(frozen=True, kw_only=True)
class Idle:
    """The charges by the resource's name; what is charged by the byte; what nobody knows."""

    charges: Mapping[str, tuple[Charge, ...]]
    storage: Mapping[str, Price]
    unknown: Mapping[str, str]

    @property
    def usd(self) -> float:
        """US dollars a month, storage not included."""
        return sum(charge.usd for charges in self.charges.values() for charge in charges)


def idle(assembly: Assembly) -> Idle:
    """What `assembly` costs while idle."""
    names = Names(assembly)
    charges: dict[str, tuple[Charge, ...]] = {}
    storage: dict[str, Price] = {}
    unknown: dict[str, str] = {}
    for key, resource in assembly.resources().items():
        kind, name = resource["Type"], names.of(key)
        if kind in _STORAGE:
            storage[name] = _STORAGE[kind]
        elif kind in _CHARGED:
            found = _CHARGED[kind](assembly, key, resource)
            if found is None:
                unknown[name] = kind
            elif found:
                charges[name] = found
        elif kind not in _FREE:
            unknown[name] = kind
    return Idle(charges=charges, storage=storage, unknown=unknown)


# None: it costs something, but what is not in the table of prices.
Charges = tuple[Charge, ...] | None


def _properties(resource: Resource) -> dict[str, Any]:
    return resource.get("Properties", {})


def _alias(assembly: Assembly, key: str, resource: Resource) -> Charges:
    config = _properties(resource).get("ProvisionedConcurrencyConfig")
    if config is None:
        return ()
    stack = key.partition("/")[0]
    function = assembly.resources()[f"{stack}/{_properties(resource)['FunctionName']['Ref']}"]
    (architecture,) = _properties(function)["Architectures"]
    kept = config["ProvisionedConcurrentExecutions"]
    memory_mb = _properties(function)["MemorySize"]
    return (
        Charge(
            what=f"{kept} environments of {memory_mb} MB kept warm",
            quantity=kept * memory_mb / 1024 * _SECONDS_PER_MONTH,
            price=prices.LAMBDA_PROVISIONED[architecture],
        ),
    )


def _alarm(assembly: Assembly, key: str, resource: Resource) -> Charges:
    queries = _properties(resource).get("Metrics")
    metrics = sum("MetricStat" in query for query in queries) if queries else 1
    # https://aws.amazon.com/cloudwatch/pricing/: the metrics of a shorter period cost three times.
    periods = [query["MetricStat"]["Period"] for query in queries or () if "MetricStat" in query]
    if min([*periods, _properties(resource).get("Period", 60)]) < 60:
        return None
    what = "an alarm" if metrics == 1 else f"an alarm on {metrics} metrics"
    return (Charge(what=what, quantity=metrics, price=prices.ALARM),)


def _scaling_policy(assembly: Assembly, key: str, resource: Resource) -> Charges:
    # Target tracking makes an alarm above its target and one below:
    # https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    if _properties(resource)["PolicyType"] != "TargetTrackingScaling":
        return None
    return (Charge(what="two alarms of its own", quantity=2, price=prices.ALARM),)


def _key(assembly: Assembly, key: str, resource: Resource) -> Charges:
    what = "a key"
    if _properties(resource).get("EnableKeyRotation"):
        what = "a key, its first year (each of its first two rotations adds as much)"
    return (Charge(what=what, quantity=1, price=prices.KMS_KEY),)


def _compute_environment(assembly: Assembly, key: str, resource: Resource) -> Charges:
    kept = _properties(resource).get("ComputeResources", {}).get("MinvCpus", 0)
    return () if kept == 0 else None


def _endpoint(assembly: Assembly, key: str, resource: Resource) -> Charges:
    properties = _properties(resource)
    if properties.get("VpcEndpointType", "Gateway") == "Gateway":
        return ()
    zones = len(properties.get("SubnetIds", [])) or 1
    hours = zones * prices.HOURS_PER_MONTH
    return (Charge(what="an endpoint", quantity=hours, price=prices.INTERFACE_ENDPOINT),)


def _budget(assembly: Assembly, key: str, resource: Resource) -> Charges:
    return (Charge(what="a budget that notifies", quantity=1, price=prices.BUDGET),)


def _always(what: str, price: Price, quantity: float = 1) -> Callable[..., Charges]:
    return lambda assembly, key, resource: (Charge(what=what, quantity=quantity, price=price),)


_CHARGED: Mapping[str, Callable[[Assembly, str, Resource], Charges]] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": _scaling_policy,
    "AWS::Batch::ComputeEnvironment": _compute_environment,
    "AWS::Budgets::Budget": _budget,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _always("a composite alarm", prices.COMPOSITE_ALARM),
    "AWS::CloudWatch::Dashboard": _always("a dashboard", prices.DASHBOARD),
    "AWS::EC2::EIP": _always("an address", prices.PUBLIC_IPV4, prices.HOURS_PER_MONTH),
    "AWS::EC2::NatGateway": _always("a gateway", prices.NAT_GATEWAY, prices.HOURS_PER_MONTH),
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Alias": _alias,
}
_STORAGE: Mapping[str, Price] = {
    "AWS::Logs::LogGroup": prices.LOG_STORAGE,
    "AWS::S3::Bucket": prices.S3_STORAGE,
}
# Nothing is paid for these by time: either nothing at all, or by what goes through them.
_FREE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::Batch::JobDefinition",
    "AWS::Batch::JobQueue",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::StepFunctions::StateMachine",
    "Custom::S3AutoDeleteObjects",
}
