"""History events of executions in the log group that the state machine's configuration names.

Lines as AWS writes them: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
Children of a Distributed Map are not logged: on AWS they are, event by event.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends
from moto.stepfunctions.parser.asl.eval.event.logging import HistoryLog, is_logging_enabled_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Configuration:
    include_execution_data: bool


class HistoryLogs:
    """Stands where moto's interpreter expects its own session, which fails at the first event."""

    def __init__(self, execution: Any, logging_configuration: dict[str, Any]) -> None:
        self.execution_arn: str = execution.exec_arn
        self._execution = execution
        self.configuration = _Configuration(
            bool(logging_configuration.get("includeExecutionData", False))
        )
        self._level = logging_configuration["level"]
        destination = logging_configuration["destinations"][0]["cloudWatchLogsLogGroup"]
        self._group = destination["logGroupArn"].split(":log-group:")[1].removesuffix(":*")
        self._stream = f"states/{execution.state_machine.name}"
        self._backend: Any = logs_backends[execution.account_id][execution.region_name]

    def log_level_filter(self, history_event_type: Any) -> bool:
        return bool(is_logging_enabled_for(self._level, history_event_type))

    def publish_history_log(self, history_log: HistoryLog) -> None:
        """Write one event; a group that is gone is said so and ends nothing."""
        happened_at: Any = history_log["event_timestamp"]
        timestamp_ms = int(datetime.fromisoformat(happened_at).timestamp() * 1000)
        line = {
            **history_log,
            "event_timestamp": str(timestamp_ms),
            "redrive_count": str(self._execution.redrive_count),
        }
        event = {"timestamp": timestamp_ms, "message": json.dumps(line)}
        try:
            self._backend.ensure_log_stream(self._group, self._stream)
            self._backend.put_log_events(self._group, self._stream, [event])
        except (ResourceNotFoundException, KeyError):
            log.warning("log group %s of %s is gone", self._group, self.execution_arn)


def history_logs(execution: Any) -> HistoryLogs | None:
    """Where an execution's events go; None where its state machine logs nothing."""
    configuration = execution.state_machine.loggingConfiguration or {}
    if configuration.get("level", "OFF") == "OFF" or not configuration.get("destinations"):
        return None
    return HistoryLogs(execution, configuration)
