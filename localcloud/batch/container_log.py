"""The awslogs driver: a container's output, line by line, in its own stream of the job's log group.

https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.logs.models import logs_backends

from localcloud.context import CloudContext
from localcloud.functions.logs import LogWriter

DEFAULT_GROUP = "/aws/batch/job"
_LINE_LIMIT_BYTES = 1024 * 1024 - 26
_NAME_CHARACTERS = 200


class NoLogGroupError(Exception):
    """The job's log group does not exist, and is not to be made; its container cannot start."""


def stream_name(options: Mapping[str, str], definition_arn: str, task_id: str) -> str:
    """The prefix or the job definition's name, the container's name, the task."""
    definition = definition_arn.rpartition("/")[2].partition(":")[0][:_NAME_CHARACTERS]
    return f"{options.get('awslogs-stream-prefix', definition)}/default/{task_id}"


class ContainerLog:
    """One stream. Raises NoLogGroupError when it is made."""

    def __init__(
        self, context: CloudContext, writer: LogWriter, options: Mapping[str, str], stream: str
    ) -> None:
        self.group = options.get("awslogs-group", DEFAULT_GROUP)
        self.stream = stream
        self._writer = writer
        self._partial = b""
        logs: Any = logs_backends[context.account][context.region]
        makes = "awslogs-group" not in options or options.get("awslogs-create-group") == "true"
        if self.group not in logs.groups and not makes:
            raise NoLogGroupError(self.group)
        writer.open_stream(self.group, stream)

    def output(self, data: bytes) -> None:
        """Take what the container wrote; whole lines become events."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) >= _LINE_LIMIT_BYTES:
            lines.append(self._partial)
            self._partial = b""
        for line in lines:
            self._writer.write(self.group, self.stream, line.decode(errors="replace"))

    def end(self) -> None:
        """Write what is left."""
        if self._partial:
            self.output(b"\n")
        self._writer.flush()
