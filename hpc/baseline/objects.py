"""The steps' view of a bucket, carried by boto3: plan and reduce run here with the user's own keys.

The functions use obstore, which starts faster; a user's credentials may come from a profile, from
single sign-on or from another role, and boto3 knows them all.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shpc_core.errors import StorageError
from shpc_core.store import RangeNotSatisfiable

# What S3 answers for a key that is not there, or that may not be known to be absent.
_ABSENT = frozenset({"403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey"})


class BucketObjects:
    """`shpc_core.store.Objects` on one bucket; `s3` is a boto3 client, which threads may share."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def size(self, key: str) -> int:
        """See `Objects`."""
        length: int = self._read(self._s3.head_object, key)["ContentLength"]
        return length

    def get(self, key: str) -> bytes:
        """See `Objects`."""
        data: bytes = self._read(self._s3.get_object, key)["Body"].read()
        return data

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        """See `Objects`."""
        if (object_bytes := self.size(key)) < stop:
            raise RangeNotSatisfiable(key, stop=stop, object_bytes=object_bytes)
        answer = self._read(self._s3.get_object, key, Range=f"bytes={start}-{stop - 1}")
        data: bytes = answer["Body"].read()
        return data

    def put(self, key: str, data: bytes) -> None:
        """See `Objects`."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data)
        except (ClientError, BotoCoreError) as error:
            raise StorageError(self._bucket, key, f"cannot be written: {error}") from error

    def _read(self, operation: Any, key: str, **options: str) -> Any:
        try:
            return operation(Bucket=self._bucket, Key=key, **options)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                message = f"no readable object {key} in bucket {self._bucket}"
                raise FileNotFoundError(message) from error
            raise StorageError(self._bucket, key, f"cannot be read: {error}") from error
        except BotoCoreError as error:
            raise StorageError(self._bucket, key, f"cannot be read: {error}") from error
