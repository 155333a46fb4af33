"""The jobs API as a small HTTP server in the contract's shapes.

It knows nothing of how a real one makes its answers. It refuses unsigned requests, and it can be
told to fail.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import numpy as np

from shpc_core import columns
from tests.hpc.made_up import MODEL_SHA256, STARTED_AT, FinishedJob, finished_job

PREFIX = "/_http_api/a1b2c3"


@dataclass
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeApi:
    """The jobs API. `failures` are answered first, one per request: (status, headers, body).

    The first `downloads_to_cut` transfers break off in their middle.
    """

    origin: str
    images: int = 20
    labels: np.ndarray | None = None
    running_polls: int = 2
    end: dict[str, Any] = field(default_factory=lambda: {"status": "SUCCEEDED"})
    failures: deque[tuple[int, dict[str, str], bytes]] = field(default_factory=deque)
    requests: list[Recorded] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    downloads_to_cut: int = 0
    finished: dict[str, FinishedJob] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    polls_until_redriven: int = 1
    end_after_redrive: dict[str, Any] = field(default_factory=lambda: {"status": "SUCCEEDED"})

    @property
    def url(self) -> str:
        return f"{self.origin}{PREFIX}"

    def finish(self, job_id: str) -> FinishedJob:
        """What the job leaves behind, made on first call."""
        if job_id not in self.finished:
            body = self.jobs.get(job_id, {"shard_size": 5, "input": {"labels": None}})
            labels = self.labels if body["input"]["labels"] else None
            self.finished[job_id] = finished_job(job_id, self.images, body["shard_size"], labels)
        return self.finished[job_id]

    def answer(self, request: Recorded) -> tuple[int, dict[str, str], bytes]:
        self.requests.append(request)
        if self.failures:
            return self.failures.popleft()
        if request.path.startswith("/download/"):
            return self._download(request)
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 Credential="):
            return _json(403, {"message": "Forbidden"})
        route = request.path.removeprefix(PREFIX)
        if (request.method, route) == ("POST", "/jobs"):
            return self._submit(request.json)
        if (request.method, route) == ("POST", "/classify"):
            return self._classify(request.json)
        if request.method == "POST" and route.endswith("/redrive"):
            return self._redrive(route.split("/")[2], request.json["token"])
        if request.method == "GET" and route.startswith("/jobs/"):
            return self._status(route.removeprefix("/jobs/"))
        return _error(404, "not_found", None, f"there is no route {request.method} {route}")

    def _submit(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        job_id = body["job_id"]
        if self.jobs.setdefault(job_id, body) != body:
            return _error(409, "conflict", "job_id", f"job_id: {job_id} is taken")
        created = job_id not in self.polls
        self.polls.setdefault(job_id, 0)
        return _json(
            202 if created else 200, {"job_id": job_id, "status": "RUNNING", "created": created}
        )

    def _redrive(self, job_id: str, token: str) -> tuple[int, dict[str, str], bytes]:
        """The job runs again to `end_after_redrive`; its state lags behind for one more poll."""
        if job_id not in self.polls:
            return _error(404, "not_found", "job_id", f"job_id: there is no job {job_id}")
        if token not in self.tokens:
            if self.end["status"] == "SUCCEEDED":
                return _error(409, "not_redrivable", "job_id", f"job_id: {job_id} is SUCCEEDED")
            self.tokens.append(token)
        return _json(202, {"job_id": job_id, "status": "RUNNING", "redriven_at": STARTED_AT})

    def _status(self, job_id: str) -> tuple[int, dict[str, str], bytes]:
        if job_id not in self.polls:
            return _error(404, "not_found", "job_id", f"job_id: there is no job {job_id}")
        self.polls[job_id] += 1
        seen = self.polls[job_id]
        if self.tokens:
            if self.polls_until_redriven == 0:
                self.end = {**self.end_after_redrive, "redrive_count": len(self.tokens)}
            self.polls_until_redriven -= 1
        job = self.finish(job_id)
        total = job.report["shards"]
        body: dict[str, Any] = {
            "job_id": job_id,
            "status": "RUNNING",
            "started_at": STARTED_AT,
            "stopped_at": None,
            "shards": None,
            "error": None,
            "cause": None,
            "report": None,
            "parts": [],
        }
        if seen > 1:
            done = total if seen > self.running_polls else total * (seen - 1) // self.running_polls
            body["shards"] = {
                "total": total,
                "pending": 0,
                "running": total - done,
                "succeeded": done,
                "failed": 0,
            }
        if seen > self.running_polls:
            body |= {"stopped_at": STARTED_AT + timedelta(seconds=3.5), **self.end}
            if body["status"] == "SUCCEEDED":
                body["report"] = job.report
                body["parts"] = [
                    {
                        "url": f"{self.origin}/download/{job_id}/{number}.safetensors?X-Amz-Sig=1",
                        "sha256": _sha256(columns.encode(predictions, {"job_id": job_id})),
                        "summary_url": f"{self.origin}/download/{job_id}/{number}.json",
                        "summary_sha256": _sha256(msgspec.json.encode(summary)),
                        "start": summary["start"],
                        "stop": summary["stop"],
                    }
                    for number, (predictions, summary) in enumerate(job.parts)
                ]
        return _json(200, body)

    def _download(self, request: Recorded) -> tuple[int, dict[str, str], bytes]:
        if "authorization" in request.headers:
            return 400, {}, b"<Error>only one auth mechanism allowed</Error>"
        _, _, job_id, name = request.path.partition("?")[0].split("/")
        predictions, summary = self.finished[job_id].parts[int(name.partition(".")[0])]
        if name.endswith(".json"):
            return _json(200, summary)
        return 200, {}, columns.encode(predictions, {"job_id": job_id})

    def _classify(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        predictions = [
            {"label": 9, "name": "Ankle boot", "confidence": 0.5 + number / 1000}
            for number in range(len(body["images"]))
        ]
        return _json(200, {"predictions": predictions, "model": {"sha256": MODEL_SHA256}})


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(status: int, body: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, msgspec.json.encode(body)


def _error(
    status: int, code: str, field_: str | None, message: str
) -> tuple[int, dict[str, str], bytes]:
    return _json(status, {"error": {"code": code, "field": field_, "message": message}})


class FakeApiServer(ThreadingHTTPServer):
    daemon_threads = False
    api: FakeApi


class FakeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: FakeApiServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer_headers, answer = self.server.api.answer(
            Recorded(self.command, self.path, headers, body)
        )
        self.send_response(status)
        for name, value in answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.path.startswith("/download/") and self.server.api.downloads_to_cut:
            self.server.api.downloads_to_cut -= 1
            answer = answer[: len(answer) // 2]
        self.wfile.write(answer)

    do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass
