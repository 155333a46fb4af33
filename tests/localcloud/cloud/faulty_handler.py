"""The code of the functions that fail: how is said by the variable FAULT."""

import os
import signal
import sys
import time
from typing import Any

FAULT = os.environ["FAULT"]

if FAULT == "init exception":
    raise LookupError("no model")
if FAULT == "init exit":
    sys.exit(3)
if FAULT == "init timeout":
    signal.pause()


def handler(event: Any, context: Any) -> Any:
    return globals()[f"fail_by_{FAULT.replace(' ', '_')}"](event)


def fail_by_nothing(event: Any) -> Any:
    return {"fine": True}


def fail_by_exception(event: Any) -> Any:
    raise LookupError("no such shard")


def fail_by_timeout(event: Any) -> Any:
    signal.pause()


def fail_by_memory(event: Any) -> Any:
    held = bytearray(200 * 1024 * 1024)
    time.sleep(60)
    return len(held)


def fail_by_exit(event: Any) -> Any:
    os._exit(7)


def fail_by_signal(event: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def fail_by_unserialisable_answer(event: Any) -> Any:
    return {"when": object()}


def fail_by_large_answer(event: Any) -> Any:
    return "x" * (6 * 1024 * 1024 + 200)
