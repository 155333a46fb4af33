"""Pictures go to the API in as few calls as fit, or through the bare classifier here."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpc import pictures
from hpc.api import JobsApi
from hpc.errors import HpcError
from hpc.pictures import DEFAULT_MODEL, classify_locally, classify_remotely
from shpc_core.errors import InvalidInput
from shpc_core.idx import IMAGE_SHAPE, decode

IMAGES = Path(__file__).parents[2] / "data" / "fashion-mnist-3000" / "images.idx"


@pytest.fixture
def api(fake_api, signed_session) -> JobsApi:
    return JobsApi(fake_api.url, signed_session)


def files(folder: Path, contents: list[bytes]) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def test_pictures_are_sent_as_they_are_in_order(api, fake_api, tmp_path) -> None:
    paths = files(tmp_path, [b"first", b"second"])
    assert [one.confidence for one in classify_remotely(api, paths)] == [0.5, 0.501]
    sent = fake_api.requests[0].json["images"]
    assert [base64.b64decode(text) for text in sent] == [b"first", b"second"]


def test_more_than_a_hundred_pictures_take_more_calls(api, fake_api, tmp_path) -> None:
    paths = files(tmp_path, [b"%d" % number for number in range(230)])
    assert len(classify_remotely(api, paths)) == 230
    sizes = [len(request.json["images"]) for request in fake_api.requests]
    assert sizes == [100, 100, 30]


def test_pictures_too_large_together_take_more_calls(api, fake_api, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MAX_CALL_CHARACTERS", 40)
    paths = files(tmp_path, [b"x" * 12, b"y" * 12, b"z" * 12])
    classify_remotely(api, paths)
    assert [len(request.json["images"]) for request in fake_api.requests] == [2, 1]
    assert all(sum(map(len, request.json["images"])) <= 40 for request in fake_api.requests)


def test_picture_too_large_alone_is_named(api, fake_api, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "MAX_CALL_CHARACTERS", 40)
    (path,) = files(tmp_path, [b"x" * 31])
    with pytest.raises(HpcError, match=r"0\.png is 31 bytes; one call takes at most 30"):
        classify_remotely(api, [path])
    assert not fake_api.requests


def test_refused_picture_is_named_by_its_file(api, fake_api, tmp_path) -> None:
    refusal = b'{"error":{"code":"invalid_input","field":"images[1]","message":"no picture"}}'
    fake_api.failures.append((400, {}, refusal))
    with pytest.raises(HpcError, match=r"1\.png: no picture"):
        classify_remotely(api, files(tmp_path, [b"a", b"b"]))


def test_refused_picture_of_a_later_call_is_named_by_its_file(api, fake_api, tmp_path) -> None:
    answer = fake_api.answer

    def refusing_the_second(request):
        if len(fake_api.requests) == 1:
            fake_api.failures.append(
                (400, {}, b'{"error":{"code":"bad","field":"images[0]","message":"no picture"}}')
            )
        return answer(request)

    fake_api.answer = refusing_the_second
    with pytest.raises(HpcError, match=r"100\.png: no picture"):
        classify_remotely(api, files(tmp_path, [b"%d" % number for number in range(101)]))


def test_bare_classifier_knows_an_ankle_boot(tmp_path) -> None:
    boot = decode(IMAGES.read_bytes(), item_shape=IMAGE_SHAPE, field="images")[0]
    Image.fromarray(boot).save(tmp_path / "boot.png")
    (found,) = classify_locally(DEFAULT_MODEL, [tmp_path / "boot.png"])
    assert (found.label, found.name) == (9, "Ankle boot")
    assert 0.5 < found.confidence <= 1


def test_file_that_is_no_picture_is_named(tmp_path) -> None:
    (path,) = files(tmp_path, [b"no picture"])
    with pytest.raises(InvalidInput, match=r"0\.png: is no PNG"):
        classify_locally(DEFAULT_MODEL, [path])


def test_file_that_is_no_model_is_named(tmp_path) -> None:
    Image.fromarray(np.zeros((28, 28), dtype=np.uint8)).save(tmp_path / "black.png")
    model = tmp_path / "model.tflite"
    model.write_bytes(b"no model")
    with pytest.raises(HpcError, match=r"no usable model: .*model\.tflite"):
        classify_locally(model, [tmp_path / "black.png"])
