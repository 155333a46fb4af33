"""What S3 asks of a signed request beside the signature, compared with
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import socket
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from hypothesis import given
from hypothesis import strategies as st

from localcloud.identity.aws_chunked import ChunkSignatures, DecodedBody
from localcloud.identity.canonical import signing_key
from localcloud.identity.errors import Refused
from localcloud.identity.payloads import HashedBody

EMPTY = hashlib.sha256(b"").hexdigest()
CRC = base64.b64encode(binascii.crc32(b"hello world").to_bytes(4, "big")).decode()


def test_body_must_be_that_of_the_announced_hash(cloud, sign):
    request = sign.s3("/data/b", "PUT", b"right")
    for other in (b"wrong", b""):
        request.body = other
        assert request.refusal() == ("XAmzContentSHA256Mismatch", 400)
    listed = cloud.context.client("s3").list_objects_v2(Bucket="data", Prefix="b")
    assert listed["KeyCount"] == 0


def test_body_where_none_was_signed_is_refused(sign):
    request = sign.s3("/data/b", "PUT", b"")
    request.body = b"added"
    assert request.refusal() == ("XAmzContentSHA256Mismatch", 400)


def test_body_cut_short_stores_nothing(cloud, sign):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html

    S3 never adds partial objects.
    """
    request = sign.s3("/data/short", "PUT", b"whole body")
    address = urlsplit(cloud.context.endpoint)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = ["PUT /data/short HTTP/1.1", f"Host: {address.netloc}", "Content-Length: 10", *lines]
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, "", "whole"]).encode())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    listed = cloud.context.client("s3").list_objects_v2(Bucket="data", Prefix="short")
    assert listed["KeyCount"] == 0


def test_hash_of_the_body_must_be_announced(sign):
    request = sign.s3("/data/a")
    del request.headers["X-Amz-Content-SHA256"]
    assert request.refusal() == ("InvalidRequest", 400)


def test_announced_hash_is_one_of_a_body_or_one_of_the_words_for_none(sign):
    request = sign.s3("/data/a")
    request.headers["X-Amz-Content-SHA256"] = "any"
    assert request.refusal() == ("InvalidArgument", 400)


def test_all_amz_headers_must_be_signed(sign):
    request = sign.s3("/data/b", "PUT", b"x")
    request.headers["x-amz-acl"] = "public-read"
    assert request.refusal() == ("AccessDenied", 403)


def chunked(sign, encoding, headers, body):
    """A PUT with `body` in aws-chunked encoding; `body` gets the key, the seed, time and scope."""
    announced = {
        "X-Amz-Content-SHA256": encoding,
        "X-Amz-Decoded-Content-Length": "11",
        "Content-Encoding": "aws-chunked",
        **headers,
    }
    payload = S3SigV4Auth.payload
    request = None
    try:
        S3SigV4Auth.payload = lambda *_: encoding  # type: ignore[method-assign]
        request = sign.s3("/data/chunked", "PUT", headers=announced)
    finally:
        S3SigV4Auth.payload = payload  # type: ignore[method-assign]
    _, _, credential = request.headers["Authorization"].partition("Credential=")
    scope = credential.partition(",")[0].partition("/")[2]
    date, region, service, _ = scope.split("/")
    key = signing_key(sign.deployer.secret_key, date, region, service)
    seed = request.headers["Authorization"].rpartition("Signature=")[2]
    request.body = body(key, seed, request.headers["X-Amz-Date"], scope)
    return request


def signed_chunks(pieces, trailer=b""):
    """The encoding as the document describes it, written down independently."""

    def body(key, seed, timestamp, scope):
        encoded, previous = b"", seed
        for piece in [*pieces, b""]:
            digest = hashlib.sha256(piece).hexdigest()
            text = f"AWS4-HMAC-SHA256-PAYLOAD\n{timestamp}\n{scope}\n{previous}\n{EMPTY}\n{digest}"
            previous = hmac.new(key, text.encode(), "sha256").hexdigest()
            encoded += b"%x;chunk-signature=%s\r\n" % (len(piece), previous.encode())
            if piece:
                encoded += piece + b"\r\n"
        if trailer:
            digest = hashlib.sha256(trailer + b"\n").hexdigest()
            text = f"AWS4-HMAC-SHA256-TRAILER\n{timestamp}\n{scope}\n{previous}\n{digest}"
            last = hmac.new(key, text.encode(), "sha256").hexdigest()
            encoded += trailer + b"\r\nx-amz-trailer-signature:" + last.encode() + b"\r\n"
        return encoded + b"\r\n"

    return body


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
TRAILED = {"X-Amz-Trailer": "x-amz-checksum-crc32"}


def stored(cloud):
    answer = cloud.context.client("s3").get_object(
        Bucket="data", Key="chunked", ChecksumMode="ENABLED"
    )
    return answer["Body"].read(), answer.get("ChecksumCRC32"), answer.get("ContentEncoding")


def test_signed_chunks_are_decoded_and_stored(cloud, sign):
    assert chunked(sign, SIGNED, {}, signed_chunks([b"hello ", b"world"])).send().ok
    assert stored(cloud) == (b"hello world", None, None)


def test_signed_chunks_with_a_signed_trailer(cloud, sign):
    body = signed_chunks([b"hello world"], b"x-amz-checksum-crc32:" + CRC.encode())
    assert chunked(sign, f"{SIGNED}-TRAILER", TRAILED, body).send().ok
    assert stored(cloud) == (b"hello world", CRC, None)


def test_unsigned_chunks_with_a_trailer_as_boto3_sends_them_over_tls(cloud, sign):
    encoded = b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % CRC.encode()
    headers = {**TRAILED, "Content-Encoding": "aws-chunked,gzip"}
    assert chunked(sign, UNSIGNED, headers, lambda *_: encoded).send().ok
    assert stored(cloud) == (b"hello world", CRC, "gzip")


def test_wrong_trailing_checksum_is_refused(sign):
    encoded = b"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    request = chunked(sign, UNSIGNED, TRAILED, lambda *_: encoded)
    assert request.refusal() == ("BadDigest", 400)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: body.replace(b"hello", b"jello"), "SignatureDoesNotMatch"),
        (lambda body: body.replace(b"\r\n\r\n", b"\r\n")[:60], "InvalidRequest"),
        (lambda body: b"zz" + body, "InvalidRequest"),
        (lambda body: body.replace(b"6;", b"7;", 1), "SignatureDoesNotMatch"),
        (lambda body: b"ffff" + body[1:], "IncompleteBody"),
    ],
)
def test_altered_chunks_are_refused(sign, change, code):
    body = signed_chunks([b"hello ", b"world"])
    request = chunked(sign, SIGNED, {}, lambda *signed: change(body(*signed)))
    assert request.refusal() == (code, 403 if code.startswith("Sig") else 400)


def test_altered_trailer_is_refused(sign):
    body = signed_chunks([b"hello world"], b"x-amz-checksum-crc32:" + CRC.encode())
    request = chunked(
        sign,
        f"{SIGNED}-TRAILER",
        TRAILED,
        lambda *signed: body(*signed).replace(CRC.encode(), b"AAAAAA=="),
    )
    assert request.refusal() == ("SignatureDoesNotMatch", 403)


def test_trailer_must_be_the_announced_one(sign):
    encoded = b"b\r\nhello world\r\n0\r\n\r\n"
    request = chunked(sign, UNSIGNED, TRAILED, lambda *_: encoded)
    assert request.refusal() == ("MalformedTrailerError", 400)


@pytest.mark.parametrize("length", ["", "soon", "-1"])
def test_decoded_length_must_be_announced(sign, length):
    headers = {"X-Amz-Decoded-Content-Length": length}
    request = chunked(sign, UNSIGNED, headers, lambda *_: b"0\r\n\r\n")
    assert request.refusal() == ("MissingContentLength", 411)


def test_decoded_length_must_be_the_announced_one(sign):
    encoded = b"5\r\nhello\r\n0\r\n\r\n"
    assert chunked(sign, UNSIGNED, {}, lambda *_: encoded).refusal() == ("IncompleteBody", 400)


class Stream:
    """Bytes in pieces of the sizes given, as a socket may yield them."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes

    def read(self, size: int = -1) -> bytes:
        most = self._sizes.pop() if self._sizes else 7
        size = most if size < 0 else min(size, most)
        data, self._data = self._data[:size], self._data[size:]
        return data


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=5),
    sizes=st.lists(st.integers(1, 40), max_size=40),
    reading=st.integers(1, 50),
)
def test_chunks_are_decoded_however_they_are_cut_and_read(pieces, sizes, reading):
    key, seed = b"key", "0" * 64
    encoded = signed_chunks(pieces)(key, seed, "20260101T000000Z", "scope")
    whole = b"".join(pieces)
    trailers: list[dict[str, str]] = []
    body = DecodedBody(
        Stream(encoded, sizes),
        length=len(whole),
        signatures=ChunkSignatures(key, seed, "20260101T000000Z", "scope"),
        on_trailer=trailers.append,
    )
    read = b""
    while data := body.read(reading):
        read += data
    assert read == whole
    assert trailers == [{}]


@pytest.mark.parametrize(
    "encoded", [b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nx-amz", b"5\r\nhel"]
)
def test_body_that_is_not_encoded_so_is_refused(encoded):
    body = DecodedBody(io.BytesIO(encoded), length=5, signatures=None, on_trailer=[].append)
    with pytest.raises(Refused) as refused:
        body.read()
    assert refused.value.code == "InvalidRequest"


def test_line_without_an_end_is_not_collected():
    endless = io.BytesIO(bytes(1_000_000))
    body = DecodedBody(endless, length=5, signatures=None, on_trailer=[].append)
    with pytest.raises(Refused):
        body.read()
    assert endless.tell() < 100_000


def test_names_of_trailing_headers_have_no_case():
    trailers: list[dict[str, str]] = []
    encoded = io.BytesIO(b"5\r\nhello\r\n0\r\nX-Amz-Checksum-CRC32: AAAA\r\n\r\n")
    body = DecodedBody(encoded, length=5, signatures=None, on_trailer=trailers.append)
    assert body.read() == b"hello"
    assert trailers == [{"x-amz-checksum-crc32": "AAAA"}]


@given(data=st.binary(max_size=100), sizes=st.lists(st.integers(1, 40), max_size=40))
def test_hash_is_checked_at_the_last_byte_and_at_the_end(data, sizes):
    refused = Refused("any", "any", 400)
    right, wrong = hashlib.sha256(data).hexdigest(), hashlib.sha256(data + b"x").hexdigest()
    for length in (len(data), None):
        body = HashedBody(Stream(data, list(sizes)), right, length, refused)
        assert body.read() == data
        body = HashedBody(Stream(data, list(sizes)), wrong, length, refused)
        with pytest.raises(Refused):
            body.read()
