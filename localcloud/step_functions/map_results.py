"""What a ResultWriter leaves in S3: the children by status, and a manifest that names the files.

Keys and fields: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus

from localcloud.step_functions.map_children import UNSUCCESSFUL, ChildExecution
from localcloud.step_functions.map_record import RecordedMapRun

_FILES = {
    "SUCCEEDED": (ExecutionStatus.SUCCEEDED,),
    "FAILED": UNSUCCESSFUL,
}


def write_results(
    s3: Any,
    record: RecordedMapRun,
    *,
    bucket: str,
    prefix: str,
    transformation: str = "NONE",
    output_type: str = "JSON",
) -> dict[str, Any]:
    """Write results and manifest below `prefix`; returns the Map state's output.

    Raises what the S3 client raises, for instance when the bucket is gone.
    """
    run_id = record.map_run_arn.rsplit(":", 1)[1]
    folder = f"{prefix.rstrip('/')}/{run_id}" if prefix else run_id
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for name, statuses in _FILES.items():
        children = [child for child in record.started() if child.status in statuses]
        if children:
            body = _formatted(transformed(children, record, transformation), output_type)
            key = f"{folder}/{name}_0.{output_type.lower()}"
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            files[name].append({"Key": key, "Size": len(body)})
    manifest = {
        "DestinationBucket": bucket,
        "MapRunArn": record.map_run_arn,
        "ResultFiles": files,
    }
    manifest_key = f"{folder}/manifest.json"
    s3.put_object(Bucket=bucket, Key=manifest_key, Body=json.dumps(manifest).encode())
    record.results_written = True
    return {
        "MapRunArn": record.map_run_arn,
        "ResultWriterDetails": {"Bucket": bucket, "Key": manifest_key},
    }


def transformed(
    children: list[ChildExecution], record: RecordedMapRun, transformation: str
) -> list[Any]:
    """Children's outputs as WriterConfig says; of a child that did not succeed, all about it.

    `transformation` is NONE, COMPACT or FLATTEN.
    """
    results: list[Any] = []
    for child in children:
        if transformation == "NONE" or child.output is None:
            results.append(_told(child, record))
            continue
        output = json.loads(child.output)
        if transformation == "FLATTEN" and isinstance(output, list):
            results.extend(output)
        else:
            results.append(output)
    return results


def _formatted(results: list[Any], output_type: str) -> bytes:
    if output_type == "JSONL":
        return "".join(f"{json.dumps(result)}\n" for result in results).encode()
    return json.dumps(results).encode()


def _told(child: ChildExecution, record: RecordedMapRun) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ExecutionArn": child.execution_arn,
        "Input": child.input,
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": child.redrive_count,
        "StartDate": _iso(child.start_date),
        "StateMachineArn": record.map_state_machine_arn,
        "Status": child.status.value,
    }
    if child.stop_date is not None:
        told["StopDate"] = _iso(child.stop_date)
    if child.status == ExecutionStatus.SUCCEEDED:
        told["Output"] = child.output
        told["OutputDetails"] = {"Included": True}
    else:
        told["Error"] = child.error
        told["Cause"] = child.cause
    return told


def _iso(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
