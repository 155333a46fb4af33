"""The same work on virtual machines: what the functions are measured against.

It composes; the network is decided in components/vm_network.py, the machines and their queue in
components/vm_pool.py, the container in components/array_job.py. It needs the storage stack and
nothing else of the stage, so it can be deployed without the functions.
"""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_s3 as s3
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.array_job import ArrayJob
from stacks.components.object_grants import grant_get, grant_put
from stacks.components.vm_network import VmNetwork
from stacks.components.vm_pool import VmPool
from stacks.stage_stack import StageStack
from workloads.catalogue import CLASSIFY, INPUT_PREFIX, JOBS_PREFIX


class BaselineStack(StageStack):
    """An array job over the shards of a job, on machines that come and go with it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        inputs: s3.IBucket,
        results: s3.IBucket,
    ) -> None:
        """Create the queue, its machines' environment and the job definition of `classify`."""
        super().__init__(
            scope, construct_id, stage=stage, description="The workload on virtual machines"
        )
        network = VmNetwork(self, "Network", logs=self.logs, record_flows=stage.access_logs)
        pool = VmPool(self, "Pool", settings=stage.vms, network=network, tags=self.stage_tags)
        job = ArrayJob(
            self,
            "Classify",
            declared=CLASSIFY,
            architecture=stage.architecture,
            environment={
                "INPUT_BUCKET": inputs.bucket_name,
                "RESULTS_BUCKET": results.bucket_name,
            },
            timeout_s=stage.job_timeout_s,
            logs=self.logs,
        )
        grant_get(inputs, f"{INPUT_PREFIX}*", job.role)
        grant_get(results, f"{JOBS_PREFIX}*/shards.json", job.role)
        grant_put(results, f"{JOBS_PREFIX}*/shards/*", job.role)

        CfnOutput(self, "JobQueueArn", value=pool.queue_arn)
        CfnOutput(self, "JobDefinitionArn", value=job.definition_arn)
