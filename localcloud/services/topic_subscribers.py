"""Lets functions that subscribe to a topic run here, as asynchronous invocations.

Stock moto would run them by Docker, on a made-up event. The function's policy must allow the topic.
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.sns.models import Subscription

from localcloud.functions.errors import ServiceError
from localcloud.functions.invocation import EVENT
from localcloud.iam.callers import service
from localcloud.iam.gate import Allows
from localcloud.identity import Refused
from localcloud.services.patches import Patch, method

if TYPE_CHECKING:
    from localcloud.context import CloudContext
    from localcloud.functions import FunctionService

log = logging.getLogger(__name__)

_stock_publish = Subscription.publish


def topic_subscriber_patches(
    context: CloudContext, functions: FunctionService, allows: Allows
) -> list[Patch]:
    """What to apply while a cloud is up."""
    sns = service("sns.amazonaws.com", context.account)

    def publish(
        subscription: Any, message: str, message_id: str, *args: Any, **kwargs: Any
    ) -> None:
        if subscription.protocol != "lambda":
            _stock_publish(subscription, message, message_id, *args, **kwargs)
            return
        topic = subscription.topic.arn
        event = _event(subscription, message, message_id, kwargs)
        try:
            keys = {"aws:SourceArn": topic, "aws:SourceAccount": context.account}
            allows(sns, "lambda:InvokeFunction", subscription.endpoint, keys)
            functions.invoke(subscription.endpoint, None, event, invocation_type=EVENT)
        except (Refused, ServiceError) as error:
            log.warning("%s: not delivered to %s: %s", topic, subscription.endpoint, error)

    reason = "functions that subscribe are run by Docker, on a made-up event"
    return [Patch(Subscription, "publish", method(publish), reason)]


def _event(subscription: Any, message: str, message_id: str, more: dict[str, Any]) -> bytes:
    attributes = more.get("message_attributes") or {}
    sns = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscription.topic.arn,
        "Subject": more.get("subject"),
        "Message": message,
        "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "MessageAttributes": {
            name: {"Type": value.get("Type"), "Value": value.get("Value")}
            for name, value in attributes.items()
        },
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": sns,
    }
    return json.dumps({"Records": [record]}).encode()
