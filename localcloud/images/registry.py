"""Registers a pushed image in the cloud's ECR, so that a second deploy finds it there.

Only a manifest goes to ECR: its one layer names the embedded image, which stays in the image
store. The digests that Lambda may later give as CodeSha256 are kept beside the image.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import boto3

from localcloud.images.store import ImageStore, PushError

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"

_IMAGE_URI = re.compile(r"[^/]+/(?P<repository>[^:@]+):(?P<tag>[\w.-]+)")


def push(store: ImageStore, uri: str, *, client: Any | None = None) -> str:
    """Push the image tagged `uri`; returns its digest (`sha256:…`).

    `client` is an ECR client; by default one of the AWS variables of this process.
    Raises ImageNotFoundError for an unknown tag, PushError for a name without repository and tag.
    """
    image = store.tagged(uri)
    parts = _IMAGE_URI.fullmatch(uri)
    if parts is None:
        raise PushError(f"cannot push {uri!r}: expected REGISTRY/REPOSITORY:TAG")
    ecr = client or boto3.client("ecr")
    digest = _put(ecr, parts["repository"], parts["tag"], _manifest(image.image_id))
    # moto gives a function the SHA-256 of its ImageUri where MOTO_LAMBDA_STUB_ECR is left on.
    by_uri = hashlib.sha256(uri.encode()).hexdigest()
    store.pushed(image, [digest.removeprefix("sha256:"), by_uri])
    return digest


def _put(ecr: Any, repository: str, tag: str, manifest: str) -> str:
    try:
        answer = ecr.put_image(
            repositoryName=repository,
            imageManifest=manifest,
            imageManifestMediaType=MANIFEST_TYPE,
            imageTag=tag,
        )
    except ecr.exceptions.ImageAlreadyExistsException:
        found = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
        return str(found["images"][0]["imageId"]["imageDigest"])
    return str(answer["image"]["imageId"]["imageDigest"])


def _manifest(image_id: str) -> str:
    """An image manifest (schema 2) whose only layer is the embedded image."""
    digest = f"sha256:{image_id}"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(image_id),
                "digest": digest,
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(image_id),
                    "digest": digest,
                }
            ],
        }
    )
