from __future__ import annotations

import json
import platform

import pytest

from localcloud.differences import _of_template, differences, told

BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {
        "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]}
    },
}
ALARM = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 0,
    },
}
BUDGET = {
    "Type": "AWS::Budgets::Budget",
    "Properties": {
        "Budget": {
            "BudgetLimit": {"Amount": 1, "Unit": "USD"},
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
        }
    },
}
PLAIN = {"Type": "AWS::S3::Bucket"}


@pytest.fixture
def deployed(fresh_cloud):
    """Create a stack of the given resources; the differences of the whole cloud."""
    with fresh_cloud() as at:
        client = at.cloud.context.client("cloudformation")

        def deploy(name, resources, outputs=None, body=json.dumps):
            template = {"Resources": resources, **({"Outputs": outputs} if outputs else {})}
            client.create_stack(StackName=name, TemplateBody=body(template))
            client.get_waiter("stack_create_complete").wait(
                StackName=name, WaiterConfig={"Delay": 1}
            )
            return differences(client)

        yield deploy


def test_differences_name_resources_by_stack_and_nothing_else(deployed):
    found = deployed("one", {"Kept": BUCKET, "Watched": ALARM, "Paid": BUDGET, "Plain": PLAIN})

    assert found == {
        "budgets are never charged: nothing costs anything here": ["one/Paid"],
        "lifecycle rules are not carried out: objects stay": ["one/Kept"],
    }


def test_differences_of_templates_in_yaml_are_found(deployed):
    def yaml(template):
        # JSON is YAML; a comment makes it nothing else.
        return f"# kept\n{json.dumps(template)}"

    assert list(deployed("one", {"Kept": BUCKET}, body=yaml).values()) == [["one/Kept"]]


def test_differences_pass_over_what_cdk_bootstrap_made(deployed):
    assert deployed("CDKToolkit", {"Kept": BUCKET}, {"BootstrapVersion": {"Value": "32"}}) == {}


@pytest.mark.parametrize(("wanted", "differs"), [("arm64", True), ("x86_64", False)])
def test_differences_compare_a_functions_processor_with_this_machines(monkeypatch, wanted, differs):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Architectures": [wanted]}}
    found = list(_of_template({"Resources": {"F": function}}))

    assert found == ([("F", "runs on this machine's x86_64, not on arm64")] if differs else [])


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("AWS::Lambda::Function", {"TracingConfig": {"Mode": "Active"}}, "nothing is traced"),
        ("AWS::Lambda::Function", {"TracingConfig": {"Mode": "PassThrough"}}, None),
        ("AWS::StepFunctions::StateMachine", {"TracingConfiguration": {"Enabled": True}}, "traced"),
        ("AWS::StepFunctions::StateMachine", {"TracingConfiguration": {"Enabled": False}}, None),
        ("AWS::SNS::Subscription", {"Protocol": "email"}, "no mail is sent"),
        ("AWS::SNS::Subscription", {"Protocol": "sqs"}, None),
    ],
)
def test_differences_look_at_values(kind, properties, said):
    found = list(_of_template({"Resources": {"R": {"Type": kind, "Properties": properties}}}))

    assert (said is None) == (found == [])
    assert said is None or said in found[0][1]


def test_differences_are_told_in_one_line_each():
    assert list(told({"nothing is traced": ["a/1", "a/2", "b/3"], "no mail is sent": ["b/4"]})) == [
        "not as on AWS: nothing is traced (a/1, a/2 and 1 more)",
        "not as on AWS: no mail is sent (b/4)",
    ]


def test_differences_of_a_baseline_are_said():
    """Machines do not boot, queues do not lose patience, containers are processes."""
    container = {"User": "65534", "ReadonlyRootFilesystem": True, "Privileged": False}
    said = told_of(
        {
            "E": ("AWS::Batch::ComputeEnvironment", {"ComputeResources": {"Type": "SPOT"}}),
            "Q": ("AWS::Batch::JobQueue", {"JobStateTimeLimitActions": [{}]}),
            "D": ("AWS::Batch::JobDefinition", {"ContainerProperties": container}),
            "F": ("AWS::EC2::FlowLog", {"ResourceId": "vpc-1"}),
            "Plain": ("AWS::Batch::JobDefinition", {"ContainerProperties": {"Image": "i"}}),
        }
    )
    assert said == {
        "E": "no machine boots: jobs start at once, as processes that share this machine's cores",
        "Q": "no job is cancelled for how long it waits",
        "D": "a job's process has no ReadonlyRootFilesystem nor User of its own",
        "F": "no traffic flows, so none is recorded",
    }


def told_of(resources):
    template = {
        "Resources": {
            logical_id: {"Type": kind, "Properties": properties}
            for logical_id, (kind, properties) in resources.items()
        }
    }
    return dict(_of_template(template))
