"""AWS Batch as the client speaks to it: an HTTP server that runs children as its images would.

It answers in the API's own shapes (https://docs.aws.amazon.com/batch/latest/APIReference/), runs
the image's entry for each child in this process at once, and dates what it did in its own time.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

LAMBDA_SRC = Path(__file__).parents[2] / "lambda_src"
QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/queue"
DEFINITION = "arn:aws:batch:us-east-1:123456789012:job-definition/classify:1"
LOG_GROUP = "baseline-logs"
CREATED_MS = 1_800_000_000_000
STARTUP_MS = 90_000


def entry() -> ModuleType:
    """lambda_src/classify/batch.py."""
    spec = importlib.util.spec_from_file_location("entry", LAMBDA_SRC / "classify" / "batch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look up what annotations name.
    sys.modules["entry"] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class FakeBatch:
    """One queue and its jobs; a test says which children fail, do nothing, or on what they run."""

    environment: dict[str, str] = field(default_factory=dict)
    instance_type: str = "c5.2xlarge"
    max_vcpus: int = 4
    kind: str = "SPOT"
    idle: frozenset[int] = frozenset()
    failing: frozenset[int] = frozenset()
    names_machines: bool = True
    submitted: list[dict[str, Any]] = field(default_factory=list)
    terminated: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0

    def submitjob(self, body: dict[str, Any]) -> dict[str, Any]:
        self.submitted.append(body)
        given = {one["name"]: one["value"] for one in body["containerOverrides"]["environment"]}
        size = body.get("arrayProperties", {}).get("size")
        for index in range(size or 1):
            if index in self.idle | self.failing:
                continue
            variables = {"AWS_BATCH_JOB_ID": "job" if size is None else f"job:{index}"}
            if size is not None:
                variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(index)
                variables["AWS_BATCH_JOB_ARRAY_SIZE"] = str(size)
            entry().run({**self.environment, "MEMORY_MB": "1769", **given, **variables})
        return {"jobId": "job", "jobName": body["jobName"]}

    def describejobs(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["jobs"] == ["job"]:
            return {"jobs": [self._parent()]}
        return {"jobs": [self._child(int(name.partition(":")[2])) for name in body["jobs"]]}

    def terminatejob(self, body: dict[str, Any]) -> dict[str, Any]:
        self.terminated.append(body)
        return {}

    def describejobqueues(self, body: dict[str, Any]) -> dict[str, Any]:
        order = [{"order": 1, "computeEnvironment": "machines"}]
        found = [{"jobQueueArn": QUEUE, "computeEnvironmentOrder": order}]
        return {"jobQueues": found if body["jobQueues"] == [QUEUE] else []}

    def describecomputeenvironments(self, body: dict[str, Any]) -> dict[str, Any]:
        resources = {
            "type": self.kind,
            "maxvCpus": self.max_vcpus,
            "instanceTypes": [self.instance_type],
        }
        return {"computeEnvironments": [{"computeResources": resources}]}

    def describejobdefinitions(self, body: dict[str, Any]) -> dict[str, Any]:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1769"}]
        return {"jobDefinitions": [{"containerProperties": {"resourceRequirements": needs}}]}

    @property
    def _size(self) -> int | None:
        size: int | None = self.submitted[-1].get("arrayProperties", {}).get("size")
        return size

    def _parent(self) -> dict[str, Any]:
        """Waiting at the first poll, running at the second, ended at the third."""
        self.polls += 1
        ended = "FAILED" if self.failing else "SUCCEEDED"
        state = {1: "RUNNABLE", 2: "RUNNING"}.get(self.polls, ended)
        if self._size is None:
            return {**self._child(0), "jobId": "job", "status": state}
        counts = {state: self._size}
        if state == "FAILED":
            counts = {"FAILED": len(self.failing), "SUCCEEDED": self._size - len(self.failing)}
        return {
            "jobId": "job",
            "status": ended if self.polls > 2 else "PENDING",
            "createdAt": CREATED_MS,
            "arrayProperties": {"size": self._size, "statusSummary": counts},
        }

    def _child(self, index: int) -> dict[str, Any]:
        """Two to a machine; child n works for n + 1 seconds."""
        started = CREATED_MS + STARTUP_MS
        container: dict[str, Any] = {
            "exitCode": 65 if index in self.failing else 0,
            "logStreamName": f"classify/{index}",
        }
        if self.names_machines:
            container["containerInstanceArn"] = f"arn:machine/{index // 2}"
        attempt = {
            "container": container,
            "startedAt": started,
            "stoppedAt": started + 1000 * (index + 1),
        }
        return {
            "jobId": f"job:{index}",
            "status": "FAILED" if index in self.failing else "SUCCEEDED",
            "statusReason": "Essential container in task exited",
            "createdAt": CREATED_MS,
            "attempts": [attempt],
            "container": {
                **container,
                "resourceRequirements": [{"type": "VCPU", "value": "1"}],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": LOG_GROUP},
                },
            },
        }


class FakeBatchServer(ThreadingHTTPServer):
    batch: FakeBatch


class FakeBatchHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length) or "{}")
        server = self.server
        assert isinstance(server, FakeBatchServer)
        answer = json.dumps(getattr(server.batch, self.path.removeprefix("/v1/"))(body)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None: ...
