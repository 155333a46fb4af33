"""What every stack of a stage has in common: its name, place, tags and protection.

It decides that stack names are `shpc-<stage>-<role>` and that construct IDs, and so template files
and logical IDs, are the same in every stage.
"""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from settings.stage import StageSettings
from stacks.components.log_keeping import LogKeeping

APP = "shpc"


class StageStack(cdk.Stack):
    """A stack of one stage; subclasses compose resources and nothing else."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageSettings,
        description: str,
        stateful: bool = False,
    ) -> None:
        """Name the stack after its stage and role; protect it where it is `stateful`."""
        self.stage_tags = {"app": APP, "stage": stage.name}
        super().__init__(
            scope,
            construct_id,
            stack_name=f"{APP}-{stage.name}-{construct_id.lower()}",
            description=description,
            env=cdk.Environment(account=stage.account, region=stage.region),
            tags=self.stage_tags,
            termination_protection=stateful and stage.termination_protection,
        )
        # Stack tags appear in no template; resource tags do, where a reviewer sees them.
        for key, value in self.stage_tags.items():
            cdk.Tags.of(self).add(key, value)
        self.logs = LogKeeping(days=stage.log_retention_days, retain=stage.retain_data)
