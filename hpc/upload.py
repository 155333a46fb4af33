"""Puts input files into the input bucket under names made of their own content.

The same file is uploaded once, whoever runs the job and how often; a key never changes its meaning,
so a running job cannot have its input changed under it. It never overwrites another content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

_CHUNK_BYTES = 1 << 20
_SHA256 = "sha256"


@dataclass(frozen=True)
class Uploaded:
    """One input object; `sent` is false when it already lay there."""

    key: str
    size_bytes: int
    sent: bool


def upload_input(s3: Any, *, bucket: str, path: Path, name: str) -> Uploaded:
    """Upload `path` to `inputs/<first 16 hex of its sha256>/<name>` unless it lies there already.

    `s3` is a boto3 client; its managed transfer splits files above 8 MB into parts that go in
    parallel and appear as one object or not at all. "Already there" means the same length and the
    same full sha256, which is kept as object metadata (an ETag says nothing of a multipart object).
    """
    digest = _sha256(path)
    size_bytes = path.stat().st_size
    key = f"inputs/{digest[:16]}/{name}"
    if _lies_there(s3, bucket=bucket, key=key, size_bytes=size_bytes, digest=digest):
        return Uploaded(key=key, size_bytes=size_bytes, sent=False)
    s3.upload_file(str(path), bucket, key, ExtraArgs={"Metadata": {_SHA256: digest}})
    return Uploaded(key=key, size_bytes=size_bytes, sent=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _lies_there(s3: Any, *, bucket: str, key: str, size_bytes: int, digest: str) -> bool:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # HEAD has no body, so S3 tells absence by the bare status.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return head["ContentLength"] == size_bytes and head["Metadata"].get(_SHA256) == digest
