"""CloudTrail's event history, which is empty here: nothing records management events.

The CDK CLI looks there for denied calls after a deployment has failed. CloudTrail delivers events
after about five minutes on average, so that on AWS too the history of a fresh failure is empty.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse

from localcloud.services.patches import Patch, method


def event_history_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            CloudTrailResponse,
            "lookup_events",
            method(_no_events),
            "LookupEvents is a 501 with a traceback in the log",
            adds=True,
        )
    ]


def _no_events(response: Any) -> str:
    return json.dumps({"Events": []})
