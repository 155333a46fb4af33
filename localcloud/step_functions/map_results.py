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


def write_results(s3: Any, record: RecordedMapRun, *, bucket: str, prefix: str) -> dict[str, Any]:
    """Write results and manifest below `prefix`; returns the Map state's output.

    Raises what the S3 client raises, for instance when the bucket is gone.
    """
    run_id = record.map_run_arn.rsplit(":", 1)[1]
    folder = f"{prefix.rstrip('/')}/{run_id}" if prefix else run_id
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for name, statuses in _FILES.items():
        children = [child for child in record.started() if child.status in statuses]
        if children:
            body = json.dumps([_told(child, record) for child in children]).encode()
            key = f"{folder}/{name}_0.json"
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            files[name].append({"Key": key, "Size": len(body)})
    manifest = {
        "DestinationBucket": bucket,
        "MapRunArn": record.map_run_arn,
        "ResultFiles": files,
    }
    record.results_written = True
    manifest_key = f"{folder}/manifest.json"
    s3.put_object(Bucket=bucket, Key=manifest_key, Body=json.dumps(manifest).encode())
    return {
        "MapRunArn": record.map_run_arn,
        "ResultWriterDetails": {"Bucket": bucket, "Key": manifest_key},
    }


def output_of(child: ChildExecution) -> Any:
    """What a map without a ResultWriter yields for a child."""
    return None if child.output is None else json.loads(child.output)


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
