"""A function from the catalogue as a container image behind the alias `live`.

It decides what every function has: an image built from an allow-list of files for the same
architecture that it runs on, a role of its own that can write to its own log group and nothing
else, a share of the account's concurrency where the stage gives it one, and one alias through
which everybody calls it. How the alias is kept warm is decided in warm_alias.py; what the function
may read and write is granted by the stack.

Build attestations would turn the image into an OCI index, which Lambda refuses; the pinned CDK CLI
builds with BUILDX_NO_DEFAULT_ATTESTATIONS=1:
https://github.com/aws/aws-cdk-cli/blob/main/packages/@aws-cdk/cdk-assets-lib/lib/private/docker.ts
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from settings.stage import Architecture, FunctionSettings
from stacks.checks.nag import acknowledge_unbounded
from stacks.checks.unbounded import SEND_TRACES
from stacks.components.function_image import SOURCES, image_source
from stacks.components.log_keeping import LogKeeping
from stacks.components.warm_alias import keep_warm
from workloads.catalogue import Function

ALIAS = "live"

_INSTRUCTION_SETS = {
    Architecture.X86_64: lambda_.Architecture.X86_64,
    Architecture.ARM64: lambda_.Architecture.ARM_64,
}


class ImageFunction(Construct):
    """One function; `live` is what callers call, `role` what is granted permissions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        declared: Function,
        settings: FunctionSettings,
        architecture: Architecture,
        environment: Mapping[str, str],
        logs: LogKeeping,
        tracing: bool,
        sources: Path = SOURCES,
    ) -> None:
        """Raise ValueError unless `environment` is exactly what the function declares to read."""
        super().__init__(scope, construct_id)
        if set(environment) != set(declared.handler_environment):
            raise ValueError(
                f"{declared.name}: environment {sorted(environment)}; "
                f"declared: {sorted(declared.handler_environment)}"
            )
        log_group = logs.group(self, "Logs")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            description=declared.purpose,
            code=lambda_.DockerImageCode.from_image_asset(
                **image_source(declared, sources=sources)
            ),
            # CDK builds the image for the platform of this same value.
            architecture=_INSTRUCTION_SETS[architecture],
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_s),
            reserved_concurrent_executions=settings.reserved_concurrency,
            environment=dict(environment),
            role=self.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if tracing else lambda_.Tracing.DISABLED,
        )
        if tracing:
            acknowledge_unbounded(self.role.node.find_child("DefaultPolicy"), SEND_TRACES)
        self.live = self._alias(settings)

    def _alias(self, settings: FunctionSettings) -> lambda_.Alias:
        kept = settings.provisioned
        # Provisioned concurrency belongs on the alias: on the version it would be paid for again
        # with each version that is still there. It is declared here and not left to the scaling:
        # what CloudFormation has not set, it does not take away with the setting.
        # https://github.com/aws/aws-cdk/issues/31507
        alias = lambda_.Alias(
            self,
            "Live",
            alias_name=ALIAS,
            version=self.function.current_version,
            provisioned_concurrent_executions=kept.minimum if kept else None,
        )
        if kept:
            keep_warm(alias, kept)
        return alias
