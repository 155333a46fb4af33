"""Cross-origin requests to S3, answered by the bucket's own rules alone.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
moto lets every origin read every answer of every service, asks not for the method of a preflight,
and mixes the rules of a bucket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import moto.moto_server.werkzeug_app
from moto.s3.exceptions import MissingBucket
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch, method


def cors_patches() -> list[Patch]:
    """CORS where a bucket has it, and nowhere else."""
    return [
        Patch(
            moto.moto_server.werkzeug_app,
            "DISABLE_GLOBAL_CORS",
            True,
            "every origin may read every answer",
        ),
        Patch(
            S3Response,
            "_response_options",
            method(_preflight),
            "a preflight succeeds without rules, and for any method",
        ),
        Patch(
            S3Response,
            "_get_cors_headers_other",
            method(_headers),
            "a rule for another method lets an origin read",
        ),
    ]


def _preflight(
    response: S3Response, headers: Any, bucket_name: str
) -> tuple[int, dict[str, str], str]:
    origin = headers.get("Origin")
    wanted_method = headers.get("Access-Control-Request-Method")
    if not origin or not wanted_method:
        raise Refused(
            "BadRequest",
            "Insufficient information. Origin and Access-Control-Request-Method request headers "
            "needed.",
            400,
        )
    requested = _names(headers.get("Access-Control-Request-Headers", ""))
    rules = _rules(response, bucket_name)
    if not rules:
        raise Refused("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", 403)
    allowed = _allowed(rules, origin, wanted_method, requested)
    if allowed is None:
        raise Refused(
            "AccessForbidden",
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution "
            "of Origin, request method / Access-Control-Request-Method or "
            "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
            403,
        )
    if requested:
        allowed["Access-Control-Allow-Headers"] = ", ".join(requested)
    return 200, allowed, ""


def _headers(response: S3Response) -> dict[str, str]:
    origin = response.headers.get("Origin")
    if not origin:
        return {}
    rules = _rules(response, response.bucket_name)
    return _allowed(rules, origin, response.method, ()) or {}


def _rules(response: S3Response, bucket_name: str) -> list[Any]:
    try:
        return list(response.backend.get_bucket(bucket_name).cors)
    except MissingBucket:
        return []


def _allowed(
    rules: Iterable[Any], origin: str, wanted_method: str, requested: Iterable[str]
) -> dict[str, str] | None:
    """Headers by the first rule that fits the request; None when none does."""
    for rule in rules:
        fitting = [pattern for pattern in _values(rule.allowed_origins) if _fits(pattern, origin)]
        if not fitting or wanted_method not in _values(rule.allowed_methods):
            continue
        patterns = [pattern.lower() for pattern in _values(rule.allowed_headers)]
        if not all(any(_fits(pattern, name) for pattern in patterns) for name in requested):
            continue
        any_origin = "*" in fitting
        answer = {
            "Access-Control-Allow-Origin": "*" if any_origin else origin,
            "Access-Control-Allow-Methods": ", ".join(_values(rule.allowed_methods)),
            "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
        }
        if not any_origin:
            answer["Access-Control-Allow-Credentials"] = "true"
        if rule.exposed_headers:
            answer["Access-Control-Expose-Headers"] = ", ".join(_values(rule.exposed_headers))
        if rule.max_age_seconds is not None:
            answer["Access-Control-Max-Age"] = str(rule.max_age_seconds)
        return answer
    return None


def _fits(pattern: str, value: str) -> bool:
    """Whether `value` is `pattern`, where a `*` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None


def _values(setting: list[str] | str | None) -> list[str]:
    if setting is None:
        return []
    return [setting] if isinstance(setting, str) else setting


def _names(header: str) -> list[str]:
    return [name.strip().lower() for name in header.split(",") if name.strip()]
