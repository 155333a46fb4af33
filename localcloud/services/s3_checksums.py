"""What was sent is what is stored: checksums of S3 requests, computed and compared.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
moto stores whatever checksum a request claims, and computes CRC32 where CRC32C or CRC-64/NVME is
meant. An object sent without a checksum gets none here; S3 would add a CRC-64/NVME.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

import moto.s3.models
import moto.s3.responses
from moto.s3.responses import S3Response

from localcloud.identity.errors import Refused
from localcloud.services.patches import Patch, method

_PREFIX = "x-amz-checksum-"


def _table(polynomial: int) -> tuple[int, ...]:
    values = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)  # noqa: PLW2901
        values.append(value)
    return tuple(values)


def _reflected_crc(polynomial: int, bits: int) -> Callable[[bytes], bytes]:
    """A CRC whose register starts full and is inverted at the end, `polynomial` bit-reversed."""
    table = _table(polynomial)
    full = (1 << bits) - 1

    def crc(data: bytes) -> bytes:
        register = full
        for byte in data:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        return (register ^ full).to_bytes(bits // 8, "big")

    return crc


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: binascii.crc32(data).to_bytes(4, "big"),
    # https://reveng.sourceforge.io/crc-catalogue/17plus.htm: CRC-32/ISCSI and CRC-64/NVME
    "CRC32C": _reflected_crc(0x82F63B78, 32),
    "CRC64NVME": _reflected_crc(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def checksum_patches() -> list[Patch]:
    """Checksums that are verified, and right."""
    return [
        *(
            Patch(module, "compute_checksum", compute_checksum, "takes other CRCs for CRC32")
            for module in (moto.s3.models, moto.s3.responses)
        ),
        Patch(
            S3Response,
            "_get_checksum",
            method(_announced),
            "keeps no checksum that came without x-amz-sdk-checksum-algorithm",
        ),
        Patch(
            S3Response,
            "_key_response_put",
            _verified(S3Response._key_response_put),
            "stores objects and parts that do not match their checksums",
        ),
        Patch(
            S3Response,
            "_bucket_response_post",
            _verified(S3Response._bucket_response_post),
            "takes lists of keys to delete that do not match their checksums",
        ),
    ]


def compute_checksum(body: bytes, algorithm: str, encode_base64: bool = True) -> bytes:
    """The checksum of `body` by S3's name of its algorithm, in base64 unless said otherwise."""
    digest = _computed(algorithm, body)
    return base64.b64encode(digest) if encode_base64 else digest


def _computed(algorithm: str, body: bytes) -> bytes:
    compute = ALGORITHMS.get(algorithm.upper())
    if compute is None:
        raise Refused(
            "InvalidRequest",
            f"Checksum algorithm provided is unsupported: {algorithm}; "
            f"allowed: {', '.join(ALGORITHMS)}",
            400,
        )
    return compute(body)


def _claims(response: S3Response) -> dict[str, str]:
    """Checksums that the request carries, by algorithm."""
    return {
        name: value
        for name in ALGORITHMS
        if (value := response.headers.get(f"{_PREFIX}{name.lower()}")) is not None
    }


def _verified(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_verified(response: S3Response, *args: Any, **kwargs: Any) -> Any:
        _verify(response)
        return handle(response, *args, **kwargs)

    return handle_verified


def _verify(response: S3Response) -> None:
    body = response.body or b""
    if (md5 := response.headers.get("Content-MD5")) is not None:
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        try:
            claimed = base64.b64decode(md5, validate=True)
        except binascii.Error:
            claimed = b""
        if len(claimed) != len(digest):
            raise Refused("InvalidDigest", "The Content-MD5 you specified is not valid.", 400)
        if claimed != digest:
            raise Refused(
                "BadDigest", "The Content-MD5 you specified did not match what we received.", 400
            )
    for algorithm, value in _claims(response).items():
        if base64.b64encode(_computed(algorithm, body)).decode() != value:
            raise Refused(
                "BadDigest",
                f"The {algorithm} you specified did not match what we received.",
                400,
            )


def _announced(response: S3Response, response_headers: dict[str, Any]) -> tuple[str, str | None]:
    """Algorithm and value of the checksum to keep; the answer's headers get it too."""
    for algorithm, value in _claims(response).items():
        response_headers[f"{_PREFIX}{algorithm.lower()}"] = value
        return algorithm, value
    return "", None
