"""What each function and the machine may do, exactly: a grant too many fails here, too."""

from __future__ import annotations

from stacks.checks.unbounded import UNBOUNDED
from tests.stacks.synthesized import Synthesize, Synthesized

INPUTS = "<OutputFnGetAttInputBucket3BF8630AArnB4CC1184>/inputs/*"
JOBS = "<OutputFnGetAttResultsBucketA95A2103ArnC89E3319>/jobs/*"

_UNBOUNDED = frozenset().union(*(entry.actions for entry in UNBOUNDED))


def bounded(stage: Synthesized, role: str) -> dict[str, list[str]]:
    """What a role may do, less its own log group and what has no resource-level permissions."""
    own_logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    return {
        action: resources
        for action, resources in stage.statements_of(role).items()
        if action not in _UNBOUNDED | own_logs
    }


def test_plan_reads_inputs_and_writes_jobs(either: Synthesized) -> None:
    assert bounded(either, "Functions/PlanRole") == {
        "s3:GetObject": [INPUTS],
        "s3:PutObject": [JOBS],
    }


def test_classify_reads_inputs_and_writes_jobs(either: Synthesized) -> None:
    assert bounded(either, "Functions/ClassifyRole") == {
        "s3:GetObject": [INPUTS],
        "s3:PutObject": [JOBS],
    }


def test_reduce_reads_inputs_and_jobs_and_writes_jobs(either: Synthesized) -> None:
    assert bounded(either, "Functions/ReduceRole") == {
        "s3:GetObject": [INPUTS, JOBS],
        "s3:PutObject": [JOBS],
    }


def test_predict_reads_and_writes_nothing(either: Synthesized) -> None:
    assert bounded(either, "Functions/PredictRole") == {}


def test_jobs_starts_reads_and_redrives_executions_and_reads_jobs(either: Synthesized) -> None:
    states = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
    machine = "<OutputFnGetAttClassify5848C28FNameE15EA9B7>"
    assert bounded(either, "Api/JobsRole") == {
        "states:StartExecution": ["<OutputRefClassify5848C28F488ED81E>"],
        "states:DescribeExecution": [
            f"{states}:execution:{machine}/*",
            f"{states}:execution:{machine}:*",
        ],
        "states:ListMapRuns": [f"{states}:execution:{machine}:*"],
        "states:RedriveExecution": [f"{states}:execution:{machine}:*"],
        "states:DescribeMapRun": [f"{states}:mapRun:{machine}/*"],
        "states:ListExecutions": [f"{states}:mapRun:{machine}/*"],
        "s3:GetObject": [JOBS],
        "s3:ListBucket": [JOBS.removesuffix("/jobs/*")],
    }


def test_jobs_lists_the_keys_of_failure_records_and_no_others(either: Synthesized) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"""
    listing = [
        (name, statement["Condition"])
        for name, statement in either.role_statements()
        if "s3:ListBucket" in statement["Action"]
    ]
    ((name, condition),) = listing
    assert name.startswith("Api/JobsRole")
    assert condition == {"StringLike": {"s3:prefix": "jobs/*/failures/*"}}


def test_jobs_reads_the_children_that_the_stage_has(synthesize: Synthesize) -> None:
    """ARNs of map children go by their type.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
    """
    express = synthesize("dev", map_children="EXPRESS")
    granted = bounded(express, "Api/JobsRole")["states:DescribeExecution"]
    assert [arn.rpartition("<")[0].split(":")[-2] for arn in granted] == ["execution", "express"]


def test_machine_calls_the_aliases_and_runs_its_maps(either: Synthesized) -> None:
    executions = (
        "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
        ":execution:<6 of <Classify5848C28F> split at :>"
    )
    assert bounded(either, "Workflow/Classify") == {
        "lambda:InvokeFunction": [
            "<OutputRefClassifyLive722603F3F7C60882>",
            "<OutputRefPlanLiveDEA251D54D0E9BBC>",
            "<OutputRefReduceLiveFA9762E00D589374>",
        ],
        "s3:GetObject": [f"{JOBS}/groups.json", f"{JOBS}/map/*", f"{JOBS}/shards.json"],
        "s3:PutObject": [f"{JOBS}/failures/*", f"{JOBS}/map/*"],
        "s3:ListMultipartUploadParts": [f"{JOBS}/map/*"],
        "s3:AbortMultipartUpload": [f"{JOBS}/map/*"],
        "states:StartExecution": ["<Classify5848C28F>"],
        "states:DescribeExecution": [f"{executions}:*"],
        "states:StopExecution": [f"{executions}:*"],
        "states:RedriveExecution": [
            f"{executions}/ClassifyShards:*",
            f"{executions}/ReduceGroups:*",
        ],
    }


def test_function_writes_to_its_own_log_group_only(either: Synthesized) -> None:
    for role, logs in {
        "Functions/PlanRole": "PlanLogs",
        "Functions/ClassifyRole": "ClassifyLogs",
        "Functions/ReduceRole": "ReduceLogs",
        "Functions/PredictRole": "PredictLogs",
        "Api/JobsRole": "JobsLogs",
    }.items():
        granted = either.statements_of(role)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            (group,) = granted[action]
            assert group.startswith(f"<{logs}"), role
            assert group.endswith(".Arn>"), role
