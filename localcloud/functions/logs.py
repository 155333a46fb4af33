"""What functions write, and what Lambda writes about them, into this cloud's CloudWatch Logs.

Lines are queued by the invoking threads and written in batches by one other thread, so that they
cost the invocation nothing. A log group is made when an environment starts, as on AWS, and never
later: lines for a group that was deleted meanwhile are dropped, so that a destroyed stack leaves
nothing behind.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

from localcloud.functions.invocation import Report
from localcloud.monitoring.embedded_format import publish_embedded
from localcloud.monitoring.metrics import Metrics

_TAIL_BYTES = 4096
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_LINE_LIMIT_BYTES = 1024 * 1024 - 26


class LogWriter:
    """Writes queued lines into the log groups of one account and region."""

    def __init__(self, account: str, region: str, metrics: Metrics) -> None:
        """Metrics that lines hold, in the embedded format, go to `metrics`."""
        self._account = account
        self._region = region
        self._metrics = metrics
        self._queue: deque[tuple[str, str, int, str]] = deque()
        self._writing = threading.Lock()

    @property
    def _backend(self) -> Any:
        return logs_backends[self._account][self._region]

    def open_stream(self, group: str, stream: str) -> None:
        """Make the log group if it is not there, and the stream in it."""
        self._backend.ensure_log_group(group)
        self._backend.ensure_log_stream(group, stream)

    def write(self, group: str, stream: str, message: str) -> None:
        """Queue one event, and publish the metrics in it."""
        self._queue.append((group, stream, int(time.time() * 1000), message))
        publish_embedded(self._metrics, message)

    def flush(self) -> None:
        """Write all that was queued before this call."""
        with self._writing:
            batches: dict[tuple[str, str], list[dict[str, Any]]] = {}
            for _ in range(len(self._queue)):
                group, stream, timestamp, message = self._queue.popleft()
                events = batches.setdefault((group, stream), [])
                if events:
                    timestamp = max(timestamp, events[-1]["timestamp"])
                events.append({"timestamp": timestamp, "message": message})
            for (group, stream), events in batches.items():
                try:
                    self._backend.put_log_events(group, stream, events)
                except ResourceNotFoundException:
                    continue


class EnvironmentLog:
    """The log stream of one environment, and the tail of its current invocation."""

    def __init__(self, writer: LogWriter, group: str, stream: str, *, as_json: bool) -> None:
        self.group = group
        self.stream = stream
        self._writer = writer
        self._as_json = as_json
        self._partial = b""
        self._tail: deque[str] = deque()
        self._tail_bytes = 0
        writer.open_stream(group, stream)

    def output(self, data: bytes) -> None:
        """Take what the process wrote; whole lines become events."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) >= _LINE_LIMIT_BYTES:
            lines.append(self._partial)
            self._partial = b""
        for line in lines:
            # The runtime separates the lines of one error by carriage returns.
            self._event(line.decode(errors="replace").replace("\r", "\n"))

    def init_start(self, runtime_version: str, initialization_type: str) -> None:
        """The line that begins an environment's log."""
        record = {"initializationType": initialization_type, "runtimeVersion": runtime_version}
        self._platform("initStart", f"INIT_START Runtime Version: {runtime_version}", record)

    def init_failed(self, init_ms: float, phase: str, status: str, error_type: str | None) -> None:
        """The line about a failed initialisation."""
        text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
        record: dict[str, Any] = {
            "phase": phase,
            "status": status,
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        if error_type:
            text += f"\tError Type: {error_type}"
            record["errorType"] = error_type
        self._platform("initReport", text, record)

    def start(self, request_id: str, version: str) -> None:
        """An invocation begins, and with it a new tail."""
        self._tail.clear()
        self._tail_bytes = 0
        record = {"requestId": request_id, "version": version}
        self._platform("start", f"START RequestId: {request_id} Version: {version}", record)

    def failed(self, message: str) -> None:
        """A line of Lambda's own about a failure that the runtime could not report."""
        self._event(message)

    def end(self, report: Report) -> None:
        """An invocation ends: the END and REPORT lines."""
        if self._partial:
            self.output(b"\n")
        request_id = report.request_id
        if not self._as_json:
            self._event(f"END RequestId: {request_id}")
        self._platform("report", _report_text(report), _report_record(report))

    def tail(self) -> bytes:
        """The last 4 KB of the current invocation's lines."""
        text = "".join(f"{line}\n" for line in self._tail)
        return text.encode()[-_TAIL_BYTES:]

    def _platform(self, kind: str, text: str, record: dict[str, Any]) -> None:
        if self._as_json:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            text = json.dumps({"time": now, "type": f"platform.{kind}", "record": record})
        self._event(text)

    def _event(self, line: str) -> None:
        self._writer.write(self.group, self.stream, line)
        self._tail.append(line)
        self._tail_bytes += len(line) + 1
        while self._tail_bytes - len(self._tail[0]) - 1 >= _TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft()) + 1


def _report_text(report: Report) -> str:
    text = (
        f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\t"
        f"Billed Duration: {report.billed_ms} ms\tMemory Size: {report.memory_mb} MB\t"
        f"Max Memory Used: {report.max_memory_mb} MB\t"
    )
    if report.init_ms is not None:
        text += f"Init Duration: {report.init_ms:.2f} ms\t"
    if report.status != "success":
        text += f"Status: {report.status}\t"
    if report.error_type:
        text += f"Error Type: {report.error_type}\t"
    return text


def _report_record(report: Report) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    record = {"requestId": report.request_id, "metrics": metrics, "status": report.status}
    return {**record, "errorType": report.error_type} if report.error_type else record
