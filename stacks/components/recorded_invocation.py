"""An invocation whose failure is written down before it counts.

It decides what a child of a map does when its function has failed for good: the error is caught,
a record that names the shard or group is written, and the function is called once more, uncaught.
That last call is where the child fails, with the function's own error, and where a redrive goes on:
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html. A Fail state in its place
would fail again at each redrive: docs/decisions/0013.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.components.invocation import Invocation
from workloads.catalogue import JOBS_PREFIX

# What a request that was lost, and S3's general error, are called: SlowDown and InternalError have
# no class of their own. https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
STORAGE_ERRORS = ("S3.SdkClientException", "S3.S3Exception")
_FAILURE = "$.failure"


class FailureRecord(tasks.CallAwsService):
    """Writes `jobs/<id>/failures/<item>-<number>.json`; the state's input passes through."""

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, item: str, step: str
    ) -> None:
        """Record the failure of the state `step`, which was given `item` ("shard" or "group")."""
        path = sfn.JsonPath
        self.objects = bucket.arn_for_objects(f"{JOBS_PREFIX}*/failures/*")
        key = path.format(
            f"{JOBS_PREFIX}{{}}/failures/{item}-{{}}.json",
            path.string_at("$.job_id"),
            path.string_at(f"$.{item}.{item}"),
        )
        super().__init__(
            scope,
            construct_id,
            service="s3",
            action="putObject",
            iam_action="s3:PutObject",
            iam_resources=[self.objects],
            parameters={
                "Bucket": bucket.bucket_name,
                "Key": key,
                "ContentType": "application/json",
                "Body": {
                    "job_id": path.string_at("$.job_id"),
                    "step": step,
                    item: path.object_at(f"$.{item}"),
                    # Whole: a time-out has no cause, and a path to nothing ends the execution.
                    "failure": path.object_at(_FAILURE),
                    "recorded_at": path.string_at("$$.State.EnteredTime"),
                    "execution": path.string_at("$$.Execution.Id"),
                },
            },
            result_path=path.DISCARD,
        )
        self.add_retry(
            errors=list(STORAGE_ERRORS),
            interval=Duration.seconds(1),
            backoff_rate=2,
            max_delay=Duration.seconds(10),
            max_attempts=3,
            jitter_strategy=sfn.JitterType.FULL,
        )


class RecordedInvocation:
    """`<name>`, and after its failure `Record<name>Failure` and `<name>Again`."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        live: lambda_.Alias,
        payload: Mapping[str, Any],
        bucket: s3.IBucket,
        item: str,
    ) -> None:
        """Invoke `live` with `payload` and the number of the attempt."""
        path = sfn.JsonPath
        tried = path.number_at("$$.State.RetryCount")
        again = Invocation(
            scope,
            f"{name}Again",
            live=live,
            payload={**payload, "attempt": path.math_add(tried, 1)},
        )
        record = FailureRecord(scope, f"Record{name}Failure", bucket=bucket, item=item, step=name)
        # Without a record the shard is tried all the same; the error that counts is the function's.
        record.add_catch(again, errors=["States.ALL"], result_path=path.DISCARD)
        self.start = Invocation(scope, name, live=live, payload={**payload, "attempt": tried})
        self.start.add_catch(record.next(again), errors=["States.ALL"], result_path=_FAILURE)
        self.objects = record.objects
