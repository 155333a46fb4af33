"""Opens what a command needs of one deployment: the signed API and AWS clients, closed together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from hpc.api import JobsApi
from hpc.errors import HpcError
from hpc.http_session import retrying_session
from hpc.outputs import Deployment, read_deployment
from hpc.signing import ExecuteApiAuth


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A deployment and the ways to talk to it, all with the same credentials."""

    deployment: Deployment
    api: JobsApi
    session: boto3.Session

    def client(self, service: str) -> Any:
        """A boto3 client for a service, in the deployment's region."""
        return self.session.client(service, region_name=self.deployment.region)


@contextmanager
def connect(stage: str) -> Iterator[Connection]:
    """Find the stage's deployment and open its API.

    Raises NotDeployedError, or HpcError where no credentials or region are configured.
    """
    session = open_session()
    deployment = read_deployment(stage, session=session)
    with retrying_session(
        ExecuteApiAuth(session.get_credentials(), region=deployment.region)
    ) as http:
        yield Connection(
            deployment=deployment, api=JobsApi(deployment.api_url, http), session=session
        )


def open_session() -> boto3.Session:
    """The session that the usual AWS environment gives; HpcError names what it does not."""
    session = boto3.Session()
    if session.get_credentials() is None:
        raise HpcError(
            "no AWS credentials: configure them as for the aws command line "
            "(https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html), "
            "or run within the embedded cloud, `make job LOCAL=1`"
        )
    if session.region_name is None:
        raise HpcError("no AWS region: set AWS_REGION or a region in your AWS profile")
    return session
