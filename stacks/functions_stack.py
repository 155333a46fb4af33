"""The functions of the workload and what each may read and write.

It composes; how a function is built, called and logged is decided in components/image_function.py.
"""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_s3 as s3
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.image_function import ImageFunction
from stacks.components.object_grants import grant_get, grant_put
from stacks.components.workload_metrics import telemetry_environment
from stacks.stage_stack import StageStack
from workloads.catalogue import CLASSIFY, INPUT_PREFIX, JOBS_PREFIX, PLAN, PREDICT, REDUCE, Function


class FunctionsStack(StageStack):
    """Plan, classify and reduce over the two buckets, and predict; each behind its alias."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        inputs: s3.IBucket,
        results: s3.IBucket,
    ) -> None:
        """Create the functions and let them at the two buckets."""
        super().__init__(scope, construct_id, stage=stage, description="Functions of the workload")

        variables = {"INPUT_BUCKET": inputs.bucket_name, "RESULTS_BUCKET": results.bucket_name}

        def image_function(declared: Function) -> ImageFunction:
            return ImageFunction(
                self,
                declared.name.title(),
                declared=declared,
                settings=stage.functions[declared.name],
                architecture=stage.architecture,
                environment={
                    **{name: variables[name] for name in declared.environment},
                    **telemetry_environment(declared, stage),
                },
                logs=self.logs,
                tracing=stage.tracing,
            )

        self.plan = image_function(PLAN)
        self.classify = image_function(CLASSIFY)
        self.reduce = image_function(REDUCE)
        # What it is asked comes with the request: it is granted nothing.
        self.predict = image_function(PREDICT)

        roles = (self.plan.role, self.classify.role, self.reduce.role)
        grant_get(inputs, f"{INPUT_PREFIX}*", *roles)
        grant_put(results, f"{JOBS_PREFIX}*", *roles)
        # Only reduce reads what another function has written.
        grant_get(results, f"{JOBS_PREFIX}*", self.reduce.role)

        CfnOutput(self, "ClassifyFunctionName", value=self.classify.function.function_name)
