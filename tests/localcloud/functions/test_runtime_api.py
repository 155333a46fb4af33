"""The Runtime API's HTTP, as runtime clients speak it and as they do not."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.functions import FunctionService
from localcloud.functions.runtime_api import Request, RuntimeApi
from tests.localcloud.functions.invoking import Deploy, answer

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
ERROR = (
    b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 5\r\n"
    b"Lambda-Runtime-Function-Error-Type: A.B\r\n\r\nhello"
)


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with closing(RuntimeApi()) as started:
        yield started


def connect(api: RuntimeApi) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.port), timeout=10)


def request_of(api: RuntimeApi) -> Request:
    while True:
        request = api.receive(10)
        if request is not None:
            return request


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(1, len(ERROR + NEXT) - 1), max_size=6))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ERROR + NEXT)]
    with closing(RuntimeApi()) as api, connect(api) as runtime:
        seen: list[Request] = []
        for start, stop in pairwise(edges):
            runtime.sendall((ERROR + NEXT)[start:stop])
            if found := api.receive(0):
                seen.append(found)
        while len(seen) < 2:
            seen.append(request_of(api))
    assert [(request.method, request.path) for request in seen] == [
        ("POST", "/2018-06-01/runtime/init/error"),
        ("GET", "/2018-06-01/runtime/invocation/next"),
    ]
    assert seen[0].body == b"hello"
    assert seen[0].headers["lambda-runtime-function-error-type"] == "A.B"


def test_reply_reaches_a_runtime_client(api: RuntimeApi) -> None:
    with connect(api) as runtime:
        runtime.sendall(NEXT)
        api.reply(request_of(api), HTTPStatus.OK, b"{}", {"Lambda-Runtime-X": "y"}, within_s=1)
        response = http.client.HTTPResponse(runtime)
        response.begin()
        assert (response.status, response.getheader("Lambda-Runtime-X")) == (200, "y")
        assert response.read() == b"{}"


@pytest.mark.parametrize(
    "garbage",
    [
        b"not http\r\n\r\n",
        b"GET / HTTP/1.1 extra\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"x" * (3 * 1024 * 1024),
    ],
)
def test_other_clients_are_hung_up_on_and_the_runtime_is_still_served(
    api: RuntimeApi, garbage: bytes
) -> None:
    with connect(api) as stranger, connect(api) as runtime:
        stranger.setblocking(False)
        sent = 0
        while sent < len(garbage):
            try:
                sent += stranger.send(garbage[sent:])
            except BlockingIOError:
                assert api.receive(1) is None
            except ConnectionError:
                break
        runtime.sendall(NEXT)
        assert request_of(api).path.endswith("/next")


def test_runtime_that_hangs_up_is_noticed(api: RuntimeApi) -> None:
    with connect(api) as runtime:
        runtime.sendall(NEXT)
        request_of(api)
        assert not api.hung_up
    while not api.hung_up:
        assert api.receive(10) is None


def test_runtime_that_does_not_read_is_given_up(api: RuntimeApi) -> None:
    with connect(api) as runtime:
        runtime.sendall(NEXT)
        request = request_of(api)
        with pytest.raises(TimeoutError):
            api.reply(request, HTTPStatus.OK, b"x" * 64 * 1024 * 1024, within_s=0.05)


def test_unknown_endpoint_is_not_found_and_the_environment_survives(
    service: FunctionService, deploy: Deploy
) -> None:
    code = (
        "import http.client, os\n"
        "def handler(event, context):\n"
        "    connection = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
        "    connection.request('POST', '/2020-01-01/extension/register', b'{}')\n"
        "    return connection.getresponse().status\n"
    )
    function = deploy(code)
    first, again = (service.invoke(function, None, json.dumps({}).encode()) for _ in range(2))
    assert (answer(first), answer(again)) == (404, 404)
