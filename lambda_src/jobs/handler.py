"""Lambda's entry for the jobs API: starts jobs, tells what became of them, and redrives them.

A job is an execution of the state machine, under the id that the client chose: asking twice for the
same job starts one. Of the state machine only the name of the map over the shards is known here.

A job whose map failed is told by the child that failed first: the parent's own cause says no more
than that one did.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import ClientError

from shpc_core import keys
from shpc_core.messages import JobReference, JobRequest, RedriveRequest, parse
from shpc_core.results import JobReport
from shpc_http.causes import plain_cause
from shpc_http.events import HttpEvent, parse_event
from shpc_http.responses import HttpError, answer, answered
from shpc_jobs.failures import recorded_failures
from shpc_lambda.observation import Observation

SHARD_MAP = "ClassifyShards"
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
MAP_FAILED = "States.ExceedToleratedFailureThreshold"
# An EXPRESS child may time out as a whole, after five minutes; its states' time-outs are failures.
ENDED_BADLY = ("FAILED", "TIMED_OUT")
# As many as ListExecutions gives at once: more children than run at a time, so that whatever failed
# before the map was stopped is among them.
LISTED_CHILDREN = 1_000
URL_LIFETIME_S = 3600

_STATE_MACHINE_ARN = os.environ["STATE_MACHINE_ARN"]
_RESULTS_BUCKET = os.environ["RESULTS_BUCKET"]
_STEP_FUNCTIONS = boto3.client("stepfunctions")
# Left alone, presigning falls back to signature version 2 in some regions.
_S3 = boto3.client("s3", config=Config(signature_version="s3v4"))
_OBSERVATION = Observation(os.environ)


class Context(Protocol):
    """What this handler reads of Lambda's context object."""

    aws_request_id: str


@_OBSERVATION.each
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """An HTTP API event in, a response out, whatever happens."""
    return answered(lambda: _route(parse_event(event)), request_id=context.aws_request_id)


def _route(event: HttpEvent) -> dict[str, Any]:
    if event.route_key == "POST /jobs":
        return _submit(parse(event.json(), JobRequest))
    if event.route_key == "GET /jobs/{id}":
        return _status(_job_in(event))
    if event.route_key == "POST /jobs/{id}/redrive":
        return _redrive(_job_in(event), parse(event.json(), RedriveRequest))
    raise HttpError(404, "not_found", f"there is no route {event.route_key}")


def _job_in(event: HttpEvent) -> str:
    return parse({"job_id": event.path_parameters.get("id")}, JobReference).job_id


def _submit(request: JobRequest) -> dict[str, Any]:
    """202 when this starts the job, 200 when the same job is there, 409 when another one is."""
    _OBSERVATION.about(job_id=request.job_id)
    text = msgspec.json.encode(request).decode()
    # Asked first, because AWS answers a repeated start as if it were the first while the job runs.
    existing = _execution(request.job_id)
    if existing is None:
        try:
            _STEP_FUNCTIONS.start_execution(
                stateMachineArn=_STATE_MACHINE_ARN, name=request.job_id, input=text
            )
        except _STEP_FUNCTIONS.exceptions.ExecutionAlreadyExists:
            # Another request was faster, or AWS had not yet told of it.
            existing = _STEP_FUNCTIONS.describe_execution(executionArn=_arn(request.job_id))
        else:
            return answer(202, {"job_id": request.job_id, "status": "RUNNING", "created": True})
    if msgspec.json.decode(existing["input"]) != msgspec.to_builtins(request):
        raise HttpError(
            409,
            "conflict",
            f"job_id: {request.job_id} is taken by a job with another request; allowed: a new id, "
            "or the same request again",
            field="job_id",
        )
    return answer(200, {"job_id": request.job_id, "status": existing["status"], "created": False})


def _redrive(job_id: str, request: RedriveRequest) -> dict[str, Any]:
    """202 when this restarts what was lost of the job, again with the same token; else 409.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
    """
    _OBSERVATION.about(job_id=job_id)
    try:
        redriven = _STEP_FUNCTIONS.redrive_execution(
            executionArn=_arn(job_id), clientToken=request.token
        )
    except _STEP_FUNCTIONS.exceptions.ExecutionDoesNotExist as error:
        raise _not_found(job_id) from error
    except _STEP_FUNCTIONS.exceptions.ExecutionNotRedrivable as error:
        execution = _STEP_FUNCTIONS.describe_execution(executionArn=_arn(job_id))
        running = execution["status"] == "RUNNING"
        reason = execution.get("redriveStatusReason") or error.response["Error"]["Message"]
        raise HttpError(
            409,
            "running" if running else "not_redrivable",
            f"job_id: {job_id} is {execution['status']}: {reason}; allowed: a job that FAILED, was "
            "ABORTED or TIMED_OUT in the last 14 days",
            field="job_id",
        ) from error
    except _STEP_FUNCTIONS.exceptions.ExecutionLimitExceeded as error:
        message = f"job_id: {job_id} cannot be redriven now: as many executions run as may"
        raise HttpError(429, "too_many_executions", message, field="job_id") from error
    # Not asked how it is now: what DescribeExecution says may lag behind.
    at = _utc(redriven["redriveDate"])
    return answer(202, {"job_id": job_id, "status": "RUNNING", "redriven_at": at})


def _status(job_id: str) -> dict[str, Any]:
    _OBSERVATION.about(job_id=job_id)
    execution = _execution(job_id)
    if execution is None:
        raise _not_found(job_id)
    report = _report(job_id) if execution["status"] == "SUCCEEDED" else None
    map_runs = _map_runs(execution["executionArn"])
    error, cause = _reason(execution, map_runs)
    shards = _shard_counts(map_runs)
    # A job that runs is asked for often; while it has lost nothing, its records are not looked for.
    is_asked = execution["status"] != "RUNNING" or bool(shards and shards["failed"])
    return answer(
        200,
        {
            "job_id": job_id,
            "status": execution["status"],
            "started_at": _utc(execution["startDate"]),
            "stopped_at": _utc(execution.get("stopDate")),
            "shards": shards,
            "error": error,
            "cause": cause,
            "failures": recorded_failures(_S3, _RESULTS_BUCKET, job_id) if is_asked else None,
            "redrive_count": execution.get("redriveCount", 0),
            "redrive_status": execution.get("redriveStatus"),
            "redrive_status_reason": execution.get("redriveStatusReason"),
            "report": report,
            "parts": [
                {
                    "url": _url(part.key),
                    "sha256": part.sha256,
                    "summary_url": _url(part.summary_key),
                    "summary_sha256": part.summary_sha256,
                    "start": part.start,
                    "stop": part.stop,
                }
                for part in (report.parts if report else [])
            ],
        },
    )


def _not_found(job_id: str) -> HttpError:
    return HttpError(404, "not_found", f"job_id: there is no job {job_id}", field="job_id")


def _execution(job_id: str) -> Any | None:
    try:
        return _STEP_FUNCTIONS.describe_execution(executionArn=_arn(job_id))
    except _STEP_FUNCTIONS.exceptions.ExecutionDoesNotExist:
        return None


def _arn(job_id: str) -> str:
    return f"{_STATE_MACHINE_ARN.replace(':stateMachine:', ':execution:')}:{job_id}"


def _map_runs(execution_arn: str) -> list[str]:
    """ARNs, each `...:mapRun:<state machine>/<label>:<id>`."""
    runs = _STEP_FUNCTIONS.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return [run["mapRunArn"] for run in runs]


def _reason(execution: Any, map_runs: list[str]) -> tuple[str | None, str | None]:
    """Error and cause: those of the child that failed first where a map failed for its children.

    The listing of children lags behind; until it has one, the execution's own words stand.
    """
    if execution.get("error") == MAP_FAILED:
        child = _first_failed_child(map_runs)
        if child is not None:
            cause = plain_cause(child.get("cause")) or "no cause given"
            return child.get("error"), f"{_item_of(child)}: {cause}"
    return execution.get("error"), plain_cause(execution.get("cause"))


def _first_failed_child(map_runs: list[str]) -> Any | None:
    """EXPRESS children are listed and described like STANDARD ones, when asked by the map run.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
    """
    failed = [
        child
        for map_run in map_runs
        for status in ENDED_BADLY
        for child in _STEP_FUNCTIONS.list_executions(
            mapRunArn=map_run, statusFilter=status, maxResults=LISTED_CHILDREN
        )["executions"]
    ]
    if not failed:
        return None
    first = min(failed, key=lambda child: child["stopDate"])
    return _STEP_FUNCTIONS.describe_execution(executionArn=first["executionArn"])


def _item_of(child: Any) -> str:
    """Which shard or group a child was given, as `shard 7 (items 700..800)`."""
    given = msgspec.json.decode(child["input"])
    kind = "shard" if "shard" in given else "group"
    item = given[kind]
    return f"{kind} {item[kind]} (items {item['start']}..{item['stop']})"


def _shard_counts(map_runs: list[str]) -> dict[str, int] | None:
    """How far the map over the shards is; None until it has begun."""
    arns = [arn for arn in map_runs if f"/{SHARD_MAP}:" in arn]
    if not arns:
        return None
    counts = _STEP_FUNCTIONS.describe_map_run(mapRunArn=arns[0])["itemCounts"]
    return {
        "total": counts["total"],
        "pending": counts["pending"] + counts.get("pendingRedrive", 0),
        "running": counts["running"],
        "succeeded": counts["succeeded"],
        "failed": counts["failed"] + counts["timedOut"] + counts["aborted"],
    }


def _report(job_id: str) -> JobReport:
    try:
        stored = _S3.get_object(Bucket=_RESULTS_BUCKET, Key=keys.report(job_id))
    except ClientError as error:
        # S3 denies instead of admitting an absence to those who may not list the bucket.
        if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket", "AccessDenied"):
            raise
        message = f"job_id: the results of {job_id} are not stored any more"
        raise HttpError(410, "gone", message, field="job_id") from error
    try:
        return msgspec.json.decode(stored["Body"].read(), type=JobReport)
    except msgspec.DecodeError as error:
        message = f"job_id: the stored report of {job_id} is not one that this version wrote"
        raise HttpError(502, "results_unreadable", message, field="job_id") from error


def _url(key: str) -> str:
    url: str = _S3.generate_presigned_url(
        "get_object",
        Params={"Bucket": _RESULTS_BUCKET, "Key": key},
        ExpiresIn=URL_LIFETIME_S,
    )
    return url


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
