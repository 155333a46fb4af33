"""What deployed stacks ask for that this machine keeps but does not carry out.

A deploy fails on whatever is not modelled at all. What is taken and has no effect here would pass
in silence, so commands that deploy say it: a result on this cloud does not show that it works.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud.cloudformation.template.text import read_document

_MACHINE = {"amd64": "x86_64", "aarch64": "arm64"}


def _traced(mode: str) -> Callable[[Any], str | None]:
    def says(value: Any) -> str | None:
        traced = isinstance(value, dict) and str(value.get(mode)) in ("Active", "True", "true")
        return "nothing is traced: there is no X-Ray" if traced else None

    return says


def _processor(value: Any) -> str | None:
    here = _MACHINE.get(platform.machine().lower(), platform.machine())
    if not isinstance(value, list) or value == [here]:
        return None
    return f"runs on this machine's {here}, not on {', '.join(map(str, value))}"


def _always(text: str) -> Callable[[Any], str | None]:
    return lambda value: text


def _mailed(value: Any) -> str | None:
    return "no mail is sent" if str(value).startswith("email") else None


def _container(value: Any) -> str | None:
    """Of a job's process, which is no container."""
    held = ("ReadonlyRootFilesystem", "User", "LinuxParameters")
    asked = [name for name in held if isinstance(value, dict) and value.get(name)]
    return f"a job's process has no {' nor '.join(asked)} of its own" if asked else None


# By type and property; the property is looked at as it stands in the template.
_SAYS: Mapping[str, Mapping[str, Callable[[Any], str | None]]] = {
    "AWS::Batch::ComputeEnvironment": {
        "ComputeResources": _always(
            "no machine boots: jobs start at once, as processes that share this machine's cores"
        ),
    },
    "AWS::Batch::JobDefinition": {
        "ContainerProperties": _container,
    },
    "AWS::Batch::JobQueue": {
        "JobStateTimeLimitActions": _always("no job is cancelled for how long it waits"),
    },
    "AWS::Budgets::Budget": {
        "Budget": _always("budgets are never charged: nothing costs anything here"),
    },
    "AWS::EC2::FlowLog": {"ResourceId": _always("no traffic flows, so none is recorded")},
    "AWS::Lambda::Function": {
        "Architectures": _processor,
        "EphemeralStorage": _always("the size of /tmp is not limited"),
        "TracingConfig": _traced("Mode"),
    },
    "AWS::S3::Bucket": {
        "LifecycleConfiguration": _always("lifecycle rules are not carried out: objects stay"),
    },
    "AWS::SNS::Subscription": {"Protocol": _mailed},
    "AWS::StepFunctions::StateMachine": {"TracingConfiguration": _traced("Enabled")},
}


def differences(cloudformation: Any) -> dict[str, list[str]]:
    """What has no effect here, and the resources it is about, as "stack/logical id".

    `cloudformation` is a boto3 client of a cloud; stacks of `cdk bootstrap` are passed over.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            name = stack["StackName"]
            template = cloudformation.get_template(StackName=name)["TemplateBody"]
            if isinstance(template, str):
                template = read_document(template)
            if "BootstrapVersion" in {out["OutputKey"] for out in stack.get("Outputs", ())}:
                continue
            for logical_id, text in _of_template(template):
                found[text].append(f"{name}/{logical_id}")
    return {text: sorted(found[text]) for text in sorted(found)}


def _of_template(template: Any) -> Iterator[tuple[str, str]]:
    for logical_id, resource in template.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        for name, says in _SAYS.get(resource["Type"], {}).items():
            if name in properties and (text := says(properties[name])) is not None:
                yield logical_id, text


def told(found: Mapping[str, list[str]]) -> Iterator[str]:
    """One line for each difference, fit for a terminal."""
    for text, resources in found.items():
        shown = ", ".join(resources[:2])
        more = f" and {len(resources) - 2} more" if len(resources) > 2 else ""
        yield f"not as on AWS: {text} ({shown}{more})"
