"""What measures, watches and scales one cloud, put together: patches of moto, and the minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.iam.gate import Allows
from localcloud.monitoring.actions import actions
from localcloud.monitoring.alarm_api import alarm_patches
from localcloud.monitoring.alarms import Alarms
from localcloud.monitoring.metric_api import metric_patches
from localcloud.monitoring.minutes import Minutes
from localcloud.monitoring.topics import Topics
from localcloud.scaling.api import scaling_patches
from localcloud.scaling.service import Scaling
from localcloud.services.budgets import budget_patches
from localcloud.services.patches import Patch

if TYPE_CHECKING:
    from localcloud.context import CloudContext
    from localcloud.functions import FunctionService
    from localcloud.services.provisioned_concurrency import ProvisionedConcurrency


class Monitoring:
    """Of one account and region."""

    def __init__(
        self,
        context: CloudContext,
        functions: FunctionService,
        provisioned: ProvisionedConcurrency,
        allows: Allows,
    ) -> None:
        self._context = context
        self._scaling = Scaling(context, provisioned)
        self._alarms = Alarms(context, actions(Topics(context, allows), self._scaling))
        self.minutes = Minutes(
            context.metrics.clock,
            (functions.measure_provisioned, self._scaling.run_schedules, self._alarms.evaluate),
        )

    def patches(self) -> list[Patch]:
        """What to apply while the cloud is up."""
        return [
            *budget_patches(),
            *metric_patches(self._context.metrics),
            *alarm_patches(self._alarms),
            *scaling_patches(self._scaling),
        ]
