"""Why an execution failed, as far as its client is concerned: the message, never the stack trace.

Lambda puts both into the cause that Step Functions reports, as JSON.
"""

from __future__ import annotations

import re

import msgspec

# Step Functions cuts a cause at 32,768 characters, in the midst of the JSON.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
_CUT = re.compile(r'\{\s*"errorMessage":\s*"((?:[^"\\]|\\[^u]|\\u[0-9a-fA-F]{4})*)', re.DOTALL)


def plain_cause(text: str | None) -> str | None:
    """The message in Lambda's cause, whole or cut; any other cause as it is."""
    if text is None:
        return None
    try:
        cause = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _message_of_cut(text)
    message = cause.get("errorMessage") if isinstance(cause, dict) else None
    return message if isinstance(message, str) else text


def _message_of_cut(text: str) -> str:
    found = _CUT.match(text)
    if found is None:
        return text
    try:
        return msgspec.json.decode(f'"{found[1]}"', type=str)
    except msgspec.DecodeError:
        return found[1]
