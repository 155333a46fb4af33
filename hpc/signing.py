"""Signs requests to the deployed HTTP API with the caller's own AWS credentials.

The API's authorisation is IAM, so there is no shared secret to keep: botocore's Signature Version 4
with the service name `execute-api`, credentials from the usual chain, session token included.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
"""

from __future__ import annotations

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from requests.auth import AuthBase

SERVICE = "execute-api"


class ExecuteApiAuth(AuthBase):
    """Adds `Authorization`, `X-Amz-Date` and, with temporary credentials, `X-Amz-Security-Token`.

    Given `botocore` credentials that refresh themselves, each request is signed with current ones.
    """

    def __init__(self, credentials: Credentials | ReadOnlyCredentials, *, region: str) -> None:
        self._credentials = credentials
        self._region = region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign one prepared request; only the headers that cannot change on the way are signed."""
        headers = {}
        if content_type := request.headers.get("Content-Type"):
            headers["Content-Type"] = content_type
        to_sign = AWSRequest(
            method=request.method, url=request.url, data=request.body or b"", headers=headers
        )
        current = (
            self._credentials
            if isinstance(self._credentials, ReadOnlyCredentials)
            else self._credentials.get_frozen_credentials()
        )
        SigV4Auth(current, SERVICE, self._region).add_auth(to_sign)
        request.headers.update(dict(to_sign.headers.items()))
        return request
