"""POST /classify, driven with HTTP API events."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shpc_core import idx

DATA = Path(__file__).resolve().parents[2] / "data" / "fashion-mnist-3000"


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return idx.decode((DATA / "images.idx").read_bytes(), item_shape=(28, 28), field="images")


def picture(image: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def event(body: bytes, content_type: str | None) -> dict[str, Any]:
    """As API Gateway sends it: bodies that are not text come as base64."""
    binary = content_type is None or content_type.lower().startswith("image/")
    return {
        "version": "2.0",
        "routeKey": "POST /classify",
        "rawPath": "/classify",
        "headers": {} if content_type is None else {"content-type": content_type},
        "requestContext": {"http": {"method": "POST", "path": "/classify"}, "requestId": "r"},
        "body": base64.b64encode(body).decode() if binary else body.decode(),
        "isBase64Encoded": binary,
    }


def ask(handler: ModuleType, context: Any, body: bytes, content_type: str | None) -> Any:
    response = handler.handler(event(body, content_type), context)
    json.dumps(response)
    assert response["headers"]["content-type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("PNG", "Image/PNG; charset=binary"),
    ],
)
def test_predict_takes_one_picture_file(
    load_handler: LoadHandler,
    context: Any,
    images: NDArray[np.uint8],
    kind: str,
    content_type: str,
) -> None:
    status, answer = ask(load_handler("predict"), context, picture(images[0], kind), content_type)
    assert status == 200
    (prediction,) = answer["predictions"]
    assert (prediction["label"], prediction["name"]) == (9, "Ankle boot")
    assert 0.5 < prediction["confidence"] <= 1
    assert len(answer["model"]["sha256"]) == 64


def test_predict_takes_pictures_in_json(
    load_handler: LoadHandler, context: Any, images: NDArray[np.uint8]
) -> None:
    handler = load_handler("predict")
    encoded = [base64.b64encode(picture(image)).decode() for image in images[:3]]
    as_files = ask(handler, context, json.dumps({"images": encoded}).encode(), "application/json")
    as_pixels = ask(
        handler, context, json.dumps({"pixels": images[:3].tolist()}).encode(), "application/json"
    )
    assert as_files == as_pixels
    assert [one["label"] for one in as_files[1]["predictions"]] == [9, 2, 1]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "field"),
    [
        (b"MM\0*", "image/tiff", 415, "unsupported_media_type", "content-type"),
        (b"GIF89a", "image/gif", 400, "invalid_input", "images[0]"),
        (b"GIF89a", "image/png", 400, "invalid_input", "content-type"),
        (
            picture(np.zeros((28, 28), np.uint8), "JPEG"),
            "image/png",
            400,
            "invalid_input",
            "content-type",
        ),
        (b'{"images": [], "images": []}', "application/json", 400, "invalid_input", "body.images"),
        (b"hello", None, 415, "unsupported_media_type", "content-type"),
        (b"hello", "text/plain", 415, "unsupported_media_type", "content-type"),
        (b"hello", "image/png", 400, "invalid_input", "images[0]"),
        (b"", "image/png", 400, "invalid_input", "images[0]"),
        (b"", "application/json", 400, "invalid_input", "body"),
        (b"{", "application/json", 400, "invalid_input", "body"),
        (b"[]", "application/json", 400, "invalid_input", "request"),
        (b"{}", "application/json", 400, "invalid_input", "request"),
        (b'{"images": []}', "application/json", 400, "invalid_input", "images"),
        (b'{"images": ["?"]}', "application/json", 400, "invalid_input", "images[0]"),
        (b'{"pixels": [[[1]]]}', "application/json", 400, "invalid_input", "pixels[0]"),
        (
            json.dumps({"pixels": [[[0] * 28] * 28] * 101}).encode(),
            "application/json",
            413,
            "too_large",
            "pixels",
        ),
        (bytes(4_500_001), "image/png", 413, "too_large", "body"),
    ],
)
def test_predict_refuses_what_is_no_picture(
    load_handler: LoadHandler,
    context: Any,
    body: bytes,
    content_type: str | None,
    status: int,
    code: str,
    field: str,
) -> None:
    answered, answer = ask(load_handler("predict"), context, body, content_type)
    assert answered == status
    assert (answer["error"]["code"], answer["error"]["field"]) == (code, field)
    assert set(answer["error"]) == {"code", "field", "message"}


def test_predict_takes_a_hundred_pictures(load_handler: LoadHandler, context: Any) -> None:
    body = json.dumps({"pixels": [[[0] * 28] * 28] * 100}).encode()
    status, answer = ask(load_handler("predict"), context, body, "application/json")
    assert (status, len(answer["predictions"])) == (200, 100)


def test_predict_logs_what_it_does_not_tell(
    load_handler: LoadHandler,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No stack trace reaches a client; the log has it under the id that the client is told."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    handler = load_handler("predict")
    monkeypatch.setattr(handler, "classify_pictures", broken)
    with caplog.at_level(logging.ERROR):
        status, answer = ask(handler, context, b'{"pixels": []}', "application/json")
    assert (status, answer["error"]["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(answer)
    assert "request-1" in answer["error"]["message"]
    assert "request-1" in caplog.text
    assert "secret detail" in caplog.text
