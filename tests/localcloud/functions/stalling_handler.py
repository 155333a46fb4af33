"""Speaks the Runtime API itself, where the runtime client would, and stops in the midst of it."""

import http.client
import os
import signal
import socket
from typing import Any

RUNTIME = "/2018-06-01/runtime/invocation"
STALL = os.environ["STALL"]


def next_event() -> tuple[http.client.HTTPConnection, str]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request("GET", f"{RUNTIME}/next")
    answer = connection.getresponse()
    answer.read()
    return connection, str(answer.headers["Lambda-Runtime-Aws-Request-Id"])


def answer(request_id: str, *, promised: int, body: bytes) -> socket.socket:
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    connection = socket.create_connection((host, int(port)))
    head = f"POST {RUNTIME}/{request_id}/response HTTP/1.1\r\nContent-Length: {promised}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


if STALL == "before the first event":
    signal.pause()
kept, request = next_event()
if STALL == "half an answer":
    half = answer(request, promised=100, body=b'{"half": ')
elif STALL == "another request's answer":
    wrong = answer("00000000-0000-0000-0000-000000000000", promised=2, body=b"{}")
elif STALL == "hung up":
    kept.close()
elif STALL == "after an answer":
    whole = answer(request, promised=2, body=b"{}")
signal.pause()


def handler(event: Any, context: Any) -> Any:
    raise AssertionError("never called")
