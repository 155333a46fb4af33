"""What invokes a function asynchronously must say where a failed event goes.

Nobody waits for such an invocation: Lambda tries it three times, and then the event is gone unless
the function has an on-failure destination. The check reads the finished templates, all stacks of
the app together, and stops the synthesis. It does not judge delivery to Lambda (a target's own
dead-letter queue), nor custom resources, whose failure CloudFormation sees itself.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii

RULE = "AsynchronousFailureDestination"

Resources = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A resource that sends events nobody would miss."""

    template: str
    resource: str
    location: str
    problem: str


def add_asynchronous_check(app: cdk.App) -> None:
    """Make the synthesis of `app` fail where a failed asynchronous invocation would be lost."""
    cdk.Validations.of(app).add_plugins(_Check())


@jsii.implements(cdk.IPolicyValidationPlugin)
class _Check:
    @property
    def name(self) -> str:
        return "asynchronous-invocations"

    @property
    def rule_ids(self) -> list[str]:
        return [RULE]

    @property
    def version(self) -> str:
        return "1.0.0"

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        paths = {Path(path).name.partition(".")[0]: path for path in context.template_paths}
        templates = {name: json.loads(Path(path).read_text()) for name, path in paths.items()}
        violations = [
            cdk.PolicyViolation(
                rule_name=RULE,
                description=finding.problem,
                fix="give the function's alias an on-failure destination (EventInvokeConfig)",
                severity="error",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        resource_logical_id=finding.resource,
                        template_path=paths[finding.template],
                        locations=[finding.location],
                    )
                ],
            )
            for finding in findings(templates)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def findings(templates: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Every asynchronous invocation in `templates` (by any name) that has no destination."""
    resources = {
        (name, logical_id): resource
        for name, template in templates.items()
        for logical_id, resource in template.get("Resources", {}).items()
    }
    exports = {
        _text(output["Export"]["Name"]): (name, output["Value"])
        for name, template in templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    lookup = _Lookup(resources, exports)
    with_destination = {
        lookup.invoked(name, resource["Properties"])
        for (name, _), resource in resources.items()
        if resource["Type"] == _CONFIG and _has_destination(resource["Properties"])
    }
    found = []
    for (name, logical_id), resource in resources.items():
        for location, arn in _targets(resource):
            target = lookup.function(name, arn)
            if target is not None and target not in with_destination:
                problem = (
                    f"{resource['Type']} invokes {target} asynchronously; its failures are lost"
                )
                found.append(
                    Finding(template=name, resource=logical_id, location=location, problem=problem)
                )
        if resource["Type"] == _CONFIG and not _has_destination(resource["Properties"]):
            found.append(
                Finding(
                    template=name,
                    resource=logical_id,
                    location="DestinationConfig.OnFailure",
                    problem="an event invoke config without an on-failure destination",
                )
            )
    return found


_CONFIG = "AWS::Lambda::EventInvokeConfig"


def _has_destination(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))


def _each(location: str, entries: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for number, entry in enumerate(entries or []):
        found = entry
        for step in path:
            found = found.get(step)
        yield ".".join((f"{location}[{number}]", *path)), found


# Type -> the places in which it names what it invokes, without waiting for an answer.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
_PLACES: dict[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, Any]]]] = {
    "AWS::Events::Rule": lambda p: _each("Targets", p.get("Targets"), "Arn"),
    "AWS::Scheduler::Schedule": lambda p: iter([("Target.Arn", p.get("Target", {}).get("Arn"))]),
    "AWS::SNS::Subscription": lambda p: iter([("Endpoint", p.get("Endpoint"))]),
    "AWS::SNS::Topic": lambda p: _each("Subscription", p.get("Subscription"), "Endpoint"),
    "AWS::S3::Bucket": lambda p: _each(
        "NotificationConfiguration.LambdaConfigurations",
        p.get("NotificationConfiguration", {}).get("LambdaConfigurations"),
        "Function",
    ),
    "Custom::S3BucketNotifications": lambda p: _each(
        "NotificationConfiguration.LambdaFunctionConfigurations",
        p.get("NotificationConfiguration", {}).get("LambdaFunctionConfigurations"),
        "LambdaFunctionArn",
    ),
    "AWS::Logs::SubscriptionFilter": lambda p: iter([("DestinationArn", p.get("DestinationArn"))]),
    "AWS::CloudWatch::Alarm": lambda p: (
        place
        for field in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for place in _each(field, p.get(field))
    ),
    _CONFIG: lambda p: (
        (
            f"DestinationConfig.{kind}",
            p.get("DestinationConfig", {}).get(kind, {}).get("Destination"),
        )
        for kind in ("OnSuccess", "OnFailure")
    ),
}
_PLACES["AWS::CloudWatch::CompositeAlarm"] = _PLACES["AWS::CloudWatch::Alarm"]


def _targets(resource: Resources) -> Iterator[tuple[str, Any]]:
    places = _PLACES.get(resource["Type"])
    for location, arn in places(resource.get("Properties", {})) if places else ():
        if arn:
            yield location, arn


class _Lookup:
    """Finds the function, version or alias that a reference means, across stacks."""

    def __init__(
        self,
        resources: Mapping[tuple[str, str], Any],
        exports: Mapping[str, tuple[str, Any]],
    ) -> None:
        self._resources = resources
        self._exports = exports

    def function(self, template: str, arn: Any) -> str | None:
        """`template/logical ID` of what `arn` invokes, an ARN from outside as it is, else None."""
        owner, logical_id = self._owner(template, arn)
        if logical_id is None:
            text = _text(arn)
            return text if ":lambda:" in text and ":function:" in text else None
        kind = self._resources[owner, logical_id]["Type"]
        return f"{owner}/{logical_id}" if kind.startswith("AWS::Lambda::") else None

    def invoked(self, template: str, config: Mapping[str, Any]) -> str | None:
        """What an event invoke config is about, named like `function` names it."""
        function = self.function(template, config["FunctionName"])
        match config.get("Qualifier", "$LATEST"):
            case "$LATEST":
                return function
            case {"Fn::Select": [_, {"Fn::Split": [":", arn]}]}:
                # How CDK takes the qualifier out of the ARN of an alias or version.
                return self.function(template, arn)
            case str(name):
                return self._alias(function, name)
        return None

    def _alias(self, function: str | None, name: str) -> str | None:
        for (owner, logical_id), resource in self._resources.items():
            if resource["Type"] == "AWS::Lambda::Alias":
                properties = resource["Properties"]
                of = self.function(owner, properties["FunctionName"])
                if (of, properties["Name"]) == (function, name):
                    return f"{owner}/{logical_id}"
        return None

    def _owner(self, template: str, reference: Any) -> tuple[str, str | None]:
        match reference:
            case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), *_]}:
                found = (template, logical_id) in self._resources
                return template, logical_id if found else None
            case {"Fn::ImportValue": name}:
                exported = self._exports.get(_text(name))
                return self._owner(*exported) if exported else (template, None)
        return template, None


def _text(node: Any) -> str:
    match node:
        case str():
            return node
        case {"Fn::Join": [delimiter, items]}:
            return str(delimiter).join(map(_text, items))
        case {"Fn::Sub": str(text)}:
            return text
    return json.dumps(node, sort_keys=True)
