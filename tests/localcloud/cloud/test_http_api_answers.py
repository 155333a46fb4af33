from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.http_api.answers import MalformedAnswerError, answer_of


def answer(result):
    return answer_of(json.dumps(result).encode())


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"message": "hello"}, b'{"message": "hello"}'),
        ("hello", b"hello"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        (7, b"7"),
    ],
)
def test_result_without_status_code_is_a_json_answer(result, body):
    found = answer(result)
    assert (found.status, found.body) == (200, body)
    assert found.headers == [("content-type", "application/json")]


def test_result_with_status_code_is_the_whole_response():
    found = answer(
        {
            "statusCode": 202,
            "headers": {"X-Job": "a", "Count": 3, "Flag": True},
            "cookies": ["a=1", "b=2; Secure"],
            "body": "é",
        }
    )
    assert (found.status, found.body) == (202, "é".encode())
    assert found.headers == [
        ("x-job", "a"),
        ("count", "3"),
        ("flag", "true"),
        ("content-type", "text/plain;charset=UTF-8"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2; Secure"),
    ]


def test_base64_body_is_decoded():
    found = answer({"statusCode": 200, "body": "iVBORw==", "isBase64Encoded": True})
    assert found.body == b"\x89PNG"


def test_content_type_of_the_function_is_kept():
    found = answer({"statusCode": 200, "headers": {"Content-Type": "image/png"}})
    assert found.headers == [("content-type", "image/png")]
    assert found.body == b""


@pytest.mark.parametrize("status", ["201", 201])
def test_status_code_may_be_text(status):
    assert answer({"statusCode": status}).status == 201


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "ok"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "headers": {"a": "b\r\nSet-Cookie: c"}},
    ],
)
def test_malformed_response_is_refused(result):
    with pytest.raises(MalformedAnswerError):
        answer(result)


def test_answer_that_is_not_json_is_refused():
    with pytest.raises(MalformedAnswerError, match="not JSON"):
        answer_of(b"{")


@given(st.text())
def test_any_text_body_arrives_as_it_is(text):
    assert answer({"statusCode": 200, "body": text}).body == text.encode("utf-8", "surrogatepass")
