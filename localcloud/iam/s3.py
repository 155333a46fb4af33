"""Which S3 permissions a request needs, and on which bucket or object.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
A request with a query parameter that is not known here is not modelled.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from moto.s3.models import s3_backends

from localcloud.iam.body import body_of
from localcloud.iam.call import Account, Call, NotModelledError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# By subresource: what GET, PUT and DELETE of it take, "" where S3 has no such operation.
_OF_BUCKET = {
    "accelerate": ("GetAccelerateConfiguration", "PutAccelerateConfiguration", ""),
    "acl": ("GetBucketAcl", "PutBucketAcl", ""),
    "cors": ("GetBucketCORS", "PutBucketCORS", "PutBucketCORS"),
    "encryption": (
        "GetEncryptionConfiguration",
        "PutEncryptionConfiguration",
        "PutEncryptionConfiguration",
    ),
    "lifecycle": (
        "GetLifecycleConfiguration",
        "PutLifecycleConfiguration",
        "PutLifecycleConfiguration",
    ),
    "location": ("GetBucketLocation", "", ""),
    "logging": ("GetBucketLogging", "PutBucketLogging", ""),
    "notification": ("GetBucketNotification", "PutBucketNotification", ""),
    "object-lock": (
        "GetBucketObjectLockConfiguration",
        "PutBucketObjectLockConfiguration",
        "",
    ),
    "ownershipControls": (
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "PutBucketOwnershipControls",
    ),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "", ""),
    "publicAccessBlock": (
        "GetBucketPublicAccessBlock",
        "PutBucketPublicAccessBlock",
        "PutBucketPublicAccessBlock",
    ),
    "replication": (
        "GetReplicationConfiguration",
        "PutReplicationConfiguration",
        "PutReplicationConfiguration",
    ),
    "requestPayment": ("GetBucketRequestPayment", "PutBucketRequestPayment", ""),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "PutBucketTagging"),
    "uploads": ("ListBucketMultipartUploads", "", ""),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "versions": ("ListBucketVersions", "", ""),
    "website": ("GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite"),
}
_OF_OBJECT = {
    "acl": ("GetObjectAcl", "PutObjectAcl", ""),
    "attributes": ("GetObjectAttributes", "", ""),
    "legal-hold": ("GetObjectLegalHold", "PutObjectLegalHold", ""),
    "retention": ("GetObjectRetention", "PutObjectRetention", ""),
    "tagging": ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
}
_METHODS = ("GET", "PUT", "DELETE")
# Parameters that change how an operation works and not which operation it is.
_PLAIN = frozenset(
    (
        "continuation-token",
        "delimiter",
        "encoding-type",
        "fetch-owner",
        "key-marker",
        "list-type",
        "marker",
        "max-keys",
        "max-parts",
        "max-uploads",
        "optional-object-attributes",
        "part-number-marker",
        "partNumber",
        "prefix",
        "start-after",
        "upload-id-marker",
        "uploadId",
        "version-id-marker",
        "versionId",
        "x-id",
    )
)
_LISTING_KEYS = ("prefix", "delimiter", "max-keys")
_HEADER_KEYS = {
    "HTTP_X_AMZ_ACL": "s3:x-amz-acl",
    "HTTP_X_AMZ_COPY_SOURCE": "s3:x-amz-copy-source",
    "HTTP_X_AMZ_METADATA_DIRECTIVE": "s3:x-amz-metadata-directive",
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION": "s3:x-amz-server-side-encryption",
    "HTTP_X_AMZ_STORAGE_CLASS": "s3:x-amz-storage-class",
    "HTTP_IF_NONE_MATCH": "s3:if-none-match",
    "HTTP_IF_MATCH": "s3:if-match",
}
_HOST_STYLE = re.compile(r"(?P<bucket>[^.:]+)\.localhost(?::\d+)?")
_PATH_STYLE = re.compile(r"(?:localhost|127\.0\.0\.1)(?::\d+)?")
_DELETED = re.compile(rb"<Object\b[^>]*>(.*?)</Object>", re.DOTALL)
_KEY = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)
_VERSION = re.compile(rb"<VersionId>")


def bucket_and_key(environ: WSGIEnvironment) -> tuple[str, str]:
    """What path (or host) name; "" where they name none.

    Raises NotModelledError for a host that is neither this cloud nor a bucket of it.
    """
    # WSGI hands over the decoded path's bytes as Latin-1.
    path = environ["PATH_INFO"].lstrip("/")
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", errors="replace")
    host = _HOST_STYLE.fullmatch(environ.get("HTTP_HOST", ""))
    if host is not None:
        return host["bucket"], path
    if _PATH_STYLE.fullmatch(environ.get("HTTP_HOST", "")) is None:
        # S3 would look for a bucket in its name.
        raise NotModelledError(f"s3 at the host {environ.get('HTTP_HOST', '')!r}")
    bucket, _, key = path.partition("/")
    return bucket, key


def s3_calls(environ: WSGIEnvironment) -> list[Call]:
    """The calls of one request. Raises NotModelledError."""
    bucket, key = bucket_and_key(environ)
    method = environ["REQUEST_METHOD"]
    query = _query(environ.get("QUERY_STRING", ""))
    if not bucket:
        return [Call("s3:ListAllMyBuckets", "*")]
    bucket_arn = f"arn:aws:s3:::{bucket}"
    if not key:
        return list(_bucket_calls(environ, method, query, bucket_arn))
    return list(_object_calls(environ, method, query, f"{bucket_arn}/{key}"))


def hidden_absence(calls: Iterable[Call], account: Account) -> Iterator[Call]:
    """The listing that it takes to be told that an object is not there.

    Who may read an object but not list its bucket gets 403 and not 404 for a missing one:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    for call in calls:
        if call.action != "s3:GetObject":
            continue
        name, _, key = call.resource.partition(":::")[2].partition("/")
        bucket = s3_backends[account.number][account.partition].buckets.get(name)
        if bucket is not None and bucket.keys.get(key) is None:
            yield Call("s3:ListBucket", f"arn:{account.partition}:s3:::{name}")


def _query(text: str) -> dict[str, str]:
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        raise NotModelledError("s3 with a repeated query parameter")
    return {
        name: value
        for name, value in pairs
        if not name.startswith(("X-Amz-", "x-amz-", "response-"))
    }


def _subresource(query: dict[str, str], known: dict[str, tuple[str, str, str]]) -> str:
    named = [name for name in query if name not in _PLAIN]
    if not named:
        return ""
    if len(named) > 1 or (named[0] not in known and named[0] not in ("uploads", "delete")):
        raise NotModelledError(f"s3 with query {', '.join(sorted(named))}")
    return named[0]


def _bucket_calls(
    environ: WSGIEnvironment, method: str, query: dict[str, str], arn: str
) -> Iterator[Call]:
    subresource = _subresource(query, _OF_BUCKET)
    if method == "POST" and subresource == "delete":
        yield from _deletions(environ, arn)
        return
    if subresource:
        yield Call(_action(subresource, _OF_BUCKET, method), arn, _listing_keys(query))
        return
    actions = {
        "GET": "s3:ListBucket",
        "HEAD": "s3:ListBucket",
        "PUT": "s3:CreateBucket",
        "DELETE": "s3:DeleteBucket",
    }
    if method not in actions:
        raise NotModelledError(f"s3 {method} on a bucket")
    yield Call(actions[method], arn, _listing_keys(query) if method == "GET" else {})


def _listing_keys(query: dict[str, str]) -> dict[str, str | list[str]]:
    return {f"s3:{name}": query[name] for name in _LISTING_KEYS if name in query}


def _action(subresource: str, known: dict[str, tuple[str, str, str]], method: str) -> str:
    by_method = dict(zip(_METHODS, known.get(subresource, ()), strict=False))
    name = by_method.get(method)
    if not name:
        raise NotModelledError(f"s3 {method} with query {subresource}")
    return f"s3:{name}"


def _object_calls(
    environ: WSGIEnvironment, method: str, query: dict[str, str], arn: str
) -> Iterator[Call]:
    subresource = _subresource(query, _OF_OBJECT)
    version = {"s3:versionid": query["versionId"]} if "versionId" in query else {}
    if subresource and subresource != "uploads":
        yield Call(_action(subresource, _OF_OBJECT, method), arn, version)
    elif method in ("GET", "HEAD") and "uploadId" in query:
        yield Call("s3:ListMultipartUploadParts", arn)
    elif method in ("GET", "HEAD"):
        yield Call("s3:GetObjectVersion" if version else "s3:GetObject", arn, version)
    elif method == "DELETE" and "uploadId" in query:
        yield Call("s3:AbortMultipartUpload", arn)
    elif method == "DELETE":
        yield Call("s3:DeleteObjectVersion" if version else "s3:DeleteObject", arn, version)
    elif method == "PUT" or (method == "POST" and (subresource or "uploadId" in query)):
        yield from _writing(environ, arn)
    else:
        raise NotModelledError(f"s3 {method} on an object")


def _writing(environ: WSGIEnvironment, arn: str) -> Iterator[Call]:
    keys = {key: environ[header] for header, key in _HEADER_KEYS.items() if header in environ}
    if "HTTP_X_AMZ_COPY_SOURCE" in environ:
        source, _, version = environ["HTTP_X_AMZ_COPY_SOURCE"].partition("?versionId=")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        yield Call(action, f"arn:aws:s3:::{unquote(source).lstrip('/')}")
    yield Call("s3:PutObject", arn, keys)
    if "HTTP_X_AMZ_TAGGING" in environ:
        yield Call("s3:PutObjectTagging", arn)
    if "HTTP_X_AMZ_ACL" in environ:
        yield Call("s3:PutObjectAcl", arn, keys)


def _deletions(environ: WSGIEnvironment, arn: str) -> Iterator[Call]:
    for entry in _DELETED.findall(body_of(environ)):
        key = _KEY.search(entry)
        if key is None:
            raise NotModelledError("s3 DeleteObjects with an entry that has no Key")
        name = "s3:DeleteObjectVersion" if _VERSION.search(entry) else "s3:DeleteObject"
        yield Call(name, f"{arn}/{_unescaped(key[1])}")


def _unescaped(text: bytes) -> str:
    return html.unescape(text.decode())
