"""Plan: looks at an input's header and size, and writes down how the job is cut.

Everything that can be known to fail is refused here, before anything is fanned out.
"""

from __future__ import annotations

import msgspec

from shpc_core import idx, keys, shards
from shpc_core.errors import InvalidInput
from shpc_core.messages import JobRequest, Plan, StoredList
from shpc_core.steps.inputs import read_header
from shpc_core.store import Objects


def plan(request: JobRequest, *, inputs: Objects, results: Objects) -> Plan:
    """Writes the lists of shards and groups; answers where they are and how long.

    `InvalidInput` for inputs that are absent, empty, not IDX, of another image size, or of another
    length than their header says, for labels that are not as many as the images, and for shard
    sizes outside what one job can hold.
    """
    header = read_header(
        inputs, request.input.images, item_shape=idx.IMAGE_SHAPE, field="input.images"
    )
    if request.input.labels is not None:
        labels = read_header(inputs, request.input.labels, item_shape=(), field="input.labels")
        if labels.count != header.count:
            raise InvalidInput(
                "input.labels",
                f"{labels.count} labels for {header.count} images",
                "one label per image, or null",
            )
    cut = shards.partition(header.count, request.shard_size)
    groups = shards.grouped(cut)
    shards_key, groups_key = keys.shards(request.job_id), keys.groups(request.job_id)
    results.put(shards_key, msgspec.json.encode(cut))
    results.put(groups_key, msgspec.json.encode(groups))
    return Plan(
        job_id=request.job_id,
        input=request.input,
        images=header.count,
        shards=StoredList(key=shards_key, count=len(cut)),
        groups=StoredList(key=groups_key, count=len(groups)),
        map_prefix=keys.map_prefix(request.job_id),
    )
