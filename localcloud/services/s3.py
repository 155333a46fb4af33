"""Every repair of moto's S3, in the order in which they build on each other."""

from __future__ import annotations

from localcloud.services.patches import Patch
from localcloud.services.s3_access_logging import access_logging_patches
from localcloud.services.s3_checksums import checksum_patches
from localcloud.services.s3_cors import cors_patches
from localcloud.services.s3_listing import listing_patches
from localcloud.services.s3_multipart import multipart_patches
from localcloud.services.s3_objects import object_patches
from localcloud.services.s3_ranges import range_patches
from localcloud.services.s3_reads import read_patches
from localcloud.services.s3_writes import write_patches


def s3_patches() -> list[Patch]:
    """What to apply while a cloud is up; no two replace the same."""
    return [
        *access_logging_patches(),
        *checksum_patches(),
        *cors_patches(),
        *listing_patches(),
        *multipart_patches(),
        *object_patches(),
        *range_patches(),
        *read_patches(),
        *write_patches(),
    ]
