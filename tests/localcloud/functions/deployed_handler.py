"""The code of the functions that these tests deploy: does what the event says."""

import ctypes
import json
import os
import signal
import socket
import sys
import uuid
from pathlib import Path
from typing import Any

ENVIRONMENT = uuid.uuid4().hex
CODE = "first"

if "FAIL_INIT_UNTIL" in os.environ:
    # A file that a test makes tells apart the first process from the next.
    _marker = Path(os.environ["FAIL_INIT_UNTIL"])
    if not _marker.exists():
        _marker.touch()
        sys.exit(3)
if "HANG_IN_INIT" in os.environ:
    signal.pause()


def handler(event: Any, context: Any) -> Any:
    return globals()[f"do_{event.get('do', 'echo')}"](event, context)


def do_echo(event: Any, context: Any) -> Any:
    return event


def do_describe(event: Any, context: Any) -> Any:
    return {
        "environment": ENVIRONMENT,
        "code": CODE,
        "pid": os.getpid(),
        "variables": dict(os.environ),
        "arn": context.invoked_function_arn,
        "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "workdir": str(Path.cwd()),
        "client_context": context.client_context and context.client_context.custom,
    }


def do_raise(event: Any, context: Any) -> Any:
    raise LookupError(event["message"])


def do_hang(event: Any, context: Any) -> Any:
    signal.pause()


def do_exit(event: Any, context: Any) -> Any:
    os._exit(event["status"])


def do_signal(event: Any, context: Any) -> Any:
    os.kill(os.getpid(), event["number"])
    signal.pause()


def do_segfault(event: Any, context: Any) -> Any:
    ctypes.string_at(0)


def do_allocate(event: Any, context: Any) -> Any:
    held = bytearray(event["bytes"])
    return len(held)


def do_allocate_and_hang(event: Any, context: Any) -> Any:
    held = bytearray(event["bytes"])
    signal.pause()
    return len(held)


def do_spike(event: Any, context: Any) -> Any:
    return len(bytearray(event["bytes"]))


def do_answer_bytes(event: Any, context: Any) -> Any:
    return "x" * event["bytes"]


def do_print(event: Any, context: Any) -> Any:
    for line in event["lines"]:
        print(line)
    print(event["unfinished"], end="")


def do_write(event: Any, context: Any) -> Any:
    folder = Path(os.environ["TMPDIR"])
    found = sorted(path.name for path in folder.iterdir())
    (folder / event["name"]).write_text("x")
    return {"environment": ENVIRONMENT, "found": found, "folder": str(folder)}


def do_meet(event: Any, context: Any) -> Any:
    """Tell the test that this runs, and wait until it lets go."""
    with socket.create_connection(("127.0.0.1", event["port"])) as connection:
        told = {
            "environment": ENVIRONMENT,
            "pid": os.getpid(),
            "request_id": context.aws_request_id,
        }
        connection.sendall(json.dumps(told).encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    return {"environment": ENVIRONMENT}


def do_meet_and_raise(event: Any, context: Any) -> Any:
    do_meet(event, context)
    raise LookupError


def do_fork_and_hang(event: Any, context: Any) -> Any:
    """Both processes hold the connection, which ends when both have ended."""
    with socket.create_connection(("127.0.0.1", event["port"])) as connection:
        if os.fork() != 0:
            connection.sendall(b'{"forked": true}')
        signal.pause()
