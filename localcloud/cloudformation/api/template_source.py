"""Finds the template that a request means: given, at an S3 address, or the stack's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from localcloud.cloudformation.engine.state import Stack
from localcloud.cloudformation.errors import CloudFormationError, validation_error
from localcloud.cloudformation.template.declarations import Template, parse_template
from localcloud.cloudformation.template.text import MAX_BODY_CHARACTERS, MAX_URL_BODY_CHARACTERS
from localcloud.context import CloudContext


def requested_template(
    context: CloudContext, request: Mapping[str, Any], stack: Stack | None
) -> Template:
    """Parse the one template that a request names. Raises ValidationError."""
    named = [
        name for name in ("TemplateBody", "TemplateURL", "UsePreviousTemplate") if request.get(name)
    ]
    if len(named) != 1:
        raise validation_error(
            "Either Template URL or Template Body must be specified."
            if not named
            else f"Only one of {', '.join(named)} may be specified"
        )
    if named == ["UsePreviousTemplate"]:
        if stack is None or stack.status == "REVIEW_IN_PROGRESS":
            raise validation_error("UsePreviousTemplate: there is no previous template")
        return stack.target.template
    if named == ["TemplateBody"]:
        body = str(request["TemplateBody"])
        _check_length(body, MAX_BODY_CHARACTERS, "templateBody")
        return parse_template(body)
    body = _fetch(context, str(request["TemplateURL"]))
    _check_length(body, MAX_URL_BODY_CHARACTERS, "the template at templateURL")
    return parse_template(body)


def _check_length(body: str, limit: int, what: str) -> None:
    if len(body) > limit:
        raise validation_error(
            f"1 validation error detected: {what} failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}"
        )


def _fetch(context: CloudContext, url: str) -> str:
    bucket, key = _bucket_and_key(context, url)
    try:
        answer = context.client("s3").get_object(Bucket=bucket, Key=key)
        return bytes(answer["Body"].read()).decode()
    except ClientError as error:
        raise validation_error(
            f"TemplateURL {url}: S3 error: {error.response['Error'].get('Message', error)}"
        ) from error
    except UnicodeDecodeError as error:
        raise CloudFormationError(
            "ValidationError", f"TemplateURL {url}: the template is not UTF-8 text"
        ) from error


def _bucket_and_key(context: CloudContext, url: str) -> tuple[str, str]:
    """Understand path-style and virtual-hosted addresses of this cloud's and AWS's S3."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = unquote(parts.path).lstrip("/")
    own = urlsplit(context.endpoint)
    if host.endswith(".amazonaws.com") and ".s3" in host:
        bucket, key = host.split(".s3", 1)[0], path
    elif host.endswith(".localhost") or (host == own.hostname or host.startswith("s3")):
        if host.endswith(".localhost"):
            bucket, key = host.removesuffix(".localhost"), path
        else:
            bucket, _, key = path.partition("/")
    else:
        raise validation_error(f"TemplateURL must be a supported URL: {url}")
    if not bucket or not key:
        raise validation_error(f"TemplateURL must be a supported URL: {url}")
    return bucket, key
