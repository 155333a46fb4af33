"""The door: a signed HTTP API in front of `jobs` and `predict`.

It composes; what every route has in common is decided in components/signed_http_api.py. `jobs`
lives here and not with the other functions because it needs the state machine, which needs them.
"""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.execution_grants import grant_describe, grant_redrive, grant_start
from stacks.components.image_function import ImageFunction
from stacks.components.object_grants import grant_get, grant_list
from stacks.components.signed_http_api import SignedHttpApi
from stacks.components.workload_metrics import telemetry_environment
from stacks.stage_stack import StageStack
from workloads.catalogue import JOBS, JOBS_PREFIX, PREDICT


class ApiStack(StageStack):
    """The API, its access log, and the function that starts jobs and reports on them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        results: s3.IBucket,
        machine: sfn.StateMachine,
        predict: lambda_.Alias,
    ) -> None:
        """Serve the routes that the catalogue declares."""
        super().__init__(scope, construct_id, stage=stage, description="Signed HTTP API")

        jobs = ImageFunction(
            self,
            "Jobs",
            declared=JOBS,
            settings=stage.jobs,
            architecture=stage.architecture,
            environment={
                "STATE_MACHINE_ARN": machine.state_machine_arn,
                "RESULTS_BUCKET": results.bucket_name,
                **telemetry_environment(JOBS, stage),
            },
            logs=self.logs,
            tracing=stage.tracing,
        )
        grant_start(machine, jobs.role)
        grant_describe(machine, jobs.role, children=stage.map_children)
        grant_redrive(machine, jobs.role)
        grant_get(results, f"{JOBS_PREFIX}*", jobs.role)
        # Which failures are recorded: their keys are the only index that there is.
        grant_list(results, f"{JOBS_PREFIX}*/failures/*", jobs.role)

        api = SignedHttpApi(self, "Api", settings=stage.api, logs=self.logs)
        api.serve(JOBS, jobs.live)
        api.serve(PREDICT, predict)
        self.jobs, self.stage = jobs, api.stage
        CfnOutput(self, "ApiUrl", value=api.endpoint)
