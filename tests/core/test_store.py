from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import LocalStore, MemoryStore, S3Store

from shpc_core import store
from shpc_core.errors import StorageError
from shpc_core.store import Bucket, RangeNotSatisfiable, open_bucket


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://localhost:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture(params=["memory", "folder", "s3"])
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    if request.param == "memory":
        return Bucket(MemoryStore())
    if request.param == "folder":
        return Bucket(LocalStore(tmp_path))
    environment = {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3_endpoint"),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="results")
    return open_bucket("results", environment)


def test_bucket_gives_what_was_put(bucket: Bucket) -> None:
    bucket.put("jobs/a/report.json", b"first")
    bucket.put("jobs/a/report.json", b"0123456789")
    assert bucket.get("jobs/a/report.json") == b"0123456789"
    assert bucket.size("jobs/a/report.json") == 10
    assert bucket.get_range("jobs/a/report.json", 3, 7) == b"3456"
    assert bucket.get_range("jobs/a/report.json", 0, 10) == b"0123456789"


@pytest.mark.parametrize(("start", "stop"), [(8, 11), (10, 12), (50, 60)])
def test_bucket_refuses_a_range_beyond_the_end(bucket: Bucket, start: int, stop: int) -> None:
    bucket.put("a", b"0123456789")
    with pytest.raises(RangeNotSatisfiable, match="ends at 10") as caught:
        bucket.get_range("a", start, stop)
    assert caught.value.object_bytes == 10


def test_bucket_without_the_key_says_so(bucket: Bucket) -> None:
    for read in (bucket.size, bucket.get, lambda key: bucket.get_range(key, 0, 1)):
        with pytest.raises(FileNotFoundError):
            read("absent")


def test_bucket_treats_denied_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers 403 for a missing key when the caller may not list the bucket."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionDeniedError("403 Forbidden")

    bucket = Bucket(MemoryStore(), name="here")
    for name, read in (("head", bucket.size), ("get", bucket.get)):
        monkeypatch.setattr(store.obstore, name, denied)
        with pytest.raises(FileNotFoundError, match="no readable object a in bucket here"):
            read("a")


def test_bucket_names_itself_and_the_object_in_whatever_else_goes_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """obstore's own report goes on for a page, with the service's answer and its inner state."""

    def broken(*_: object, **__: object) -> None:
        raise GenericError("connection reset: <?xml version='1.0'?>\n<Error/>\n\nDebug source:\n{}")

    bucket = Bucket(MemoryStore(), name="here")
    bucket.put("a", b"0123456789")
    for name, use, verb in (
        ("get_range", lambda: bucket.get_range("a", 0, 5), "read"),
        ("get", lambda: bucket.get("a"), "read"),
        ("put", lambda: bucket.put("a", b""), "written"),
    ):
        monkeypatch.setattr(store.obstore, name, broken)
        with pytest.raises(StorageError) as caught:
            use()
        assert str(caught.value) == (f"object a of bucket here: cannot be {verb}: connection reset")


def test_bucket_that_is_gone_is_named(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    gone = open_bucket("gone", {"AWS_ENDPOINT_URL": s3_endpoint})
    for read in (gone.size, gone.get, lambda key: gone.get_range(key, 0, 1)):
        with pytest.raises(FileNotFoundError) as absent:
            read("a")
        assert str(absent.value) == "no readable object a in bucket gone"
    with pytest.raises(StorageError) as caught:
        gone.put("a", b"x")
    assert str(caught.value) == "object a of bucket gone: cannot be written: no such bucket"


def test_bucket_that_may_not_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionDeniedError("403 Forbidden")

    monkeypatch.setattr(store.obstore, "put", denied)
    with pytest.raises(StorageError, match="a of bucket here: may not be written"):
        Bucket(MemoryStore(), name="here").put("a", b"")


@pytest.mark.parametrize(
    ("environment", "expected", "plain_http"),
    [
        (
            {"AWS_REGION": "eu-west-1"},
            {"region": "eu-west-1", "virtual_hosted_style_request": "true"},
            False,
        ),
        (
            {"AWS_DEFAULT_REGION": "eu-north-1", "AWS_ENDPOINT_URL": "http://localhost:1"},
            {
                "region": "eu-north-1",
                "endpoint": "http://localhost:1",
                "virtual_hosted_style_request": "false",
            },
            True,
        ),
        (
            {"AWS_ENDPOINT_URL": "http://general:1", "AWS_ENDPOINT_URL_S3": "https://special:2"},
            {"endpoint": "https://special:2", "region": "us-east-1"},
            False,
        ),
    ],
)
def test_bucket_is_where_the_environment_says(
    environment: dict[str, str], expected: dict[str, str], plain_http: bool
) -> None:
    opened = open_bucket("results", environment)._store
    assert isinstance(opened, S3Store)
    assert opened.config.items() >= expected.items()
    options = opened.client_options or {}
    assert (options.get("allow_http") == "true") is plain_http


def test_bucket_that_cannot_be_reached_fails_before_functions_run_out_of_time() -> None:
    opened = open_bucket("results", {})._store
    assert isinstance(opened, S3Store)
    retry = opened.retry_config
    assert retry is not None
    assert retry["retry_timeout"] <= timedelta(seconds=20)
