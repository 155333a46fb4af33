"""Where this embedded cloud is and who calls it: the one value its parts share.

It decides nothing about behaviour; it only says which account, region, endpoint and folder are
meant, so that two clouds can run side by side on different ports, and holds what they measure.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localcloud.monitoring.metrics import Metrics


@dataclass(frozen=True)
class CloudContext:
    """Identity of one embedded cloud.

    `endpoint` is `http://localhost:<port>`: CDK and moto parse template URLs by that host name.
    `state_dir` holds what the cloud writes while it lives (image contexts, function folders, logs).
    """

    account: str
    region: str
    endpoint: str
    state_dir: Path
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    metrics: Metrics = field(default_factory=Metrics, repr=False, compare=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables with which any AWS client on this machine talks to this cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            **({} if self.session_token is None else {"AWS_SESSION_TOKEN": self.session_token}),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def with_credentials(
        self, access_key_id: str, secret_access_key: str, session_token: str | None
    ) -> CloudContext:
        """The same cloud, called by somebody else: with clients of its own."""
        return replace(
            self,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
            _clients={},
            _lock=threading.Lock(),
        )

    def http_api_url(self, api_id: str) -> str:
        """Address of a deployed HTTP API; the path prefix is part of what callers sign."""
        return f"{self.endpoint}/_http_api/{api_id}"

    def client(self, service: str) -> Any:
        """The shared boto3 client of a service (building one costs about 11 ms)."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=self.region,
                    aws_access_key_id=self.access_key_id,
                    aws_secret_access_key=self.secret_access_key,
                    aws_session_token=self.session_token,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        s3={"addressing_style": "path"},
                        # Left alone, presigning falls back to version 2, which S3 refuses.
                        signature_version="s3v4" if service == "s3" else None,
                        max_pool_connections=64,
                    ),
                )
            return self._clients[service]
