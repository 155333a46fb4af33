"""The inputs of a Distributed Map's children: items read from S3, and batches of them.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import (  # noqa: E501
    ItemReader,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.step_functions.map_settings import Batcher

# What a child's input may hold at most.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_INPUT_BYTES = 262_144


def read_items(reader: ItemReader, env: Environment, *, lines: bool) -> list[Any]:
    """All items of the source, or MaxItems of them.

    Raises what the S3 client raises, and ValueError for contents that are no list of items.
    """
    max_items = None
    config: Any = None
    if reader.reader_config is not None:
        reader.reader_config.eval(env)
        config = env.stack.pop()
        max_items = config["MaxItemsValue"]
    if reader.resource.api_action == "listObjectsV2":
        return _listed_objects(reader, env, max_items)
    if reader.parargs is not None:
        reader.parargs.eval(env)
    reader.resource_eval.eval_resource(env)
    if lines:
        text: str = env.stack.pop()
        given = (line for line in text.splitlines() if line.strip())
        return [json.loads(line) for line in itertools.islice(given, max_items)]
    env.stack.append(config)
    transformer: Any = reader.resource_output_transformer
    transformer.eval(env)
    items: list[Any] = env.stack.pop()
    return items


def _listed_objects(reader: ItemReader, env: Environment, max_items: int | None) -> list[Any]:
    """Every object below the prefix: moto takes the first 1,000, and fails where there is none."""
    parameters: Any = {}
    if reader.parargs is not None:
        reader.parargs.eval(env)
        parameters = env.stack.pop()
    s3 = boto_client_for(region=env.aws_execution_details.region, service="s3")
    pages = s3.get_paginator("list_objects_v2").paginate(**parameters)
    objects = (listed for page in pages for listed in page.get("Contents", ()))
    return [
        {
            "Etag": listed["ETag"],
            "Key": listed["Key"],
            "LastModified": listed["LastModified"].timestamp(),
            "Size": listed["Size"],
            "StorageClass": listed.get("StorageClass", "STANDARD"),
        }
        for listed in itertools.islice(objects, max_items)
    ]


def batches(items: Iterator[Any], batcher: Batcher, batch_input: Any) -> Iterator[dict[str, Any]]:
    """Children's inputs with as many items each as the limits allow.

    Raises ValueError for one item that is larger than a batch may be.
    """
    frame: dict[str, Any] = {} if batch_input is None else {"BatchInput": batch_input}
    limit_bytes = min(batcher.max_input_bytes or MAX_INPUT_BYTES, MAX_INPUT_BYTES)
    empty = _size({**frame, "Items": []})
    batch: list[Any] = []
    size = empty
    for item in items:
        added = _size(item)
        if empty + added > limit_bytes:
            raise ValueError(
                f"an item of {added} bytes; allowed in a batch: {limit_bytes - empty} bytes"
            )
        full = batcher.max_items and len(batch) == batcher.max_items
        if batch and (full or size + added + 1 > limit_bytes):
            yield {**frame, "Items": batch}
            batch, size = [], empty
        batch.append(item)
        size += added + (len(batch) > 1)
    if batch:
        yield {**frame, "Items": batch}


def _size(value: Any) -> int:
    return len(to_json_str(value, separators=(",", ":")).encode())
