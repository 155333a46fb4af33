from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from shpc_core.classifier import Classifier
from shpc_core.errors import InvalidInput
from shpc_core.images import MAX_PIXELS, decode_image

Grey = NDArray[np.uint8]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(grey: Grey) -> bytes:
    return encoded(Image.fromarray(grey))


def drawn(height: int = 80, width: int = 80, *, paper: int = 255, ink: int = 0) -> Grey:
    """A filled shape, wider at its lower right than anywhere else."""
    page = np.full((height, width), paper, np.uint8)
    page[height // 4 : height // 4 * 3, width // 4 : width // 4 * 3] = ink
    page[height // 2 : height // 4 * 3, width // 4 * 3 : width // 8 * 7] = ink
    return page


def test_image_of_the_data_set_comes_through_unchanged(images: Grey) -> None:
    for image in images[:300]:
        np.testing.assert_array_equal(decode_image(png(image)), image)


def test_image_on_paper_is_turned_light_on_dark(images: Grey) -> None:
    for image in images[:50]:
        np.testing.assert_array_equal(decode_image(png(255 - image)), image)


def test_image_of_a_large_negative_is_recognised(
    classifier: Classifier, images: Grey, labels: Grey
) -> None:
    """Shop pictures: eight times as large, in colour, on white, off centre."""
    recognised = 0
    for image, label in zip(images[:60], labels[:60], strict=True):
        garment = Image.fromarray(255 - image).resize((224, 224), Image.Resampling.BICUBIC)
        page = Image.new("RGB", (400, 300), "white")
        page.paste(garment.convert("RGB"), (150, 20))
        decoded = decode_image(encoded(page, "JPEG", quality=95))
        recognised += int(classifier.predict(decoded[None])[0][0] == label)
    assert recognised >= 48


def test_image_margins_and_size_do_not_matter() -> None:
    shape = drawn()[18:62, 18:72]
    expected = decode_image(png(shape))
    for top, left, scale in ((0, 0, 1), (5, 300, 1), (40, 10, 4)):
        enlarged = shape.repeat(scale, axis=0).repeat(scale, axis=1)
        page = np.full((enlarged.shape[0] + 90, enlarged.shape[1] + 400), 255, np.uint8)
        page[top : top + enlarged.shape[0], left : left + enlarged.shape[1]] = enlarged
        difference = np.abs(decode_image(png(page)).astype(int) - expected)
        assert difference.mean() < 4


@pytest.mark.parametrize(("height", "width"), [(120, 40), (40, 120)])
def test_image_is_centred_on_a_square_without_distortion(height: int, width: int) -> None:
    page = np.full((height + 20, width + 20), 255, np.uint8)
    page[10 : 10 + height, 10 : 10 + width] = 0
    decoded = decode_image(png(page))
    rows, columns = np.flatnonzero(decoded.max(axis=1)), np.flatnonzero(decoded.max(axis=0))
    longer, shorter = (rows, columns) if height > width else (columns, rows)
    assert len(longer) == 28
    assert len(shorter) == 9
    assert abs(shorter[0] - (27 - shorter[-1])) <= 1


def test_image_transparency_lies_on_white() -> None:
    opaque = drawn()
    rgba = np.zeros((80, 80, 4), np.uint8)
    rgba[..., 3] = 255 - opaque
    np.testing.assert_array_equal(
        decode_image(encoded(Image.fromarray(rgba, "RGBA"))), decode_image(png(opaque))
    )


def test_image_palette_transparency_lies_on_white() -> None:
    palette = Image.fromarray((drawn() == 0).astype(np.uint8), "P")
    palette.putpalette([90, 90, 90, 0, 0, 0])
    np.testing.assert_array_equal(
        decode_image(encoded(palette, transparency=0)), decode_image(png(drawn()))
    )


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_image_is_turned_upright(orientation: int, turn: Image.Transpose, kind: str) -> None:
    upright = Image.fromarray(drawn())
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(turn)
    decoded = decode_image(encoded(stored, kind, exif=exif)).astype(int)
    assert np.abs(decoded - decode_image(png(drawn()))).mean() < 3
    assert np.abs(decoded - decode_image(encoded(stored, kind))).mean() > 10


def test_image_colours_become_grey_by_luma() -> None:
    page = np.zeros((28, 28, 3), np.uint8)
    page[10, 10], page[10, 11], page[10, 12] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    decoded = decode_image(encoded(Image.fromarray(page)))
    assert decoded[10, 10:13].tolist() == [76, 150, 29]


def test_image_of_sixteen_bits_keeps_its_greys() -> None:
    deep = (np.arange(28 * 28).reshape(28, 28) * 83 % 65536).astype(np.uint16)
    deep[0] = deep[-1] = 0
    np.testing.assert_array_equal(decode_image(encoded(Image.fromarray(deep))), deep >> 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_image_mode_does_not_matter(mode: str) -> None:
    converted = Image.fromarray(drawn()).convert(mode)
    difference = decode_image(encoded(converted)).astype(int) - decode_image(png(drawn()))
    assert np.abs(difference).max() <= 1


def test_image_in_cmyk_is_read() -> None:
    cmyk = encoded(Image.fromarray(drawn()).convert("CMYK"), "JPEG", quality=95)
    difference = decode_image(cmyk).astype(int) - decode_image(png(drawn()))
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("grey", [0, 127, 128, 255])
def test_image_of_one_colour_is_all_background(grey: int) -> None:
    decoded = decode_image(png(np.full((50, 30), grey, np.uint8)))
    assert decoded.shape == (28, 28)
    assert (decoded == min(grey, 255 - grey)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (28, 27)])
def test_image_of_any_shape_becomes_28_by_28(shape: tuple[int, int]) -> None:
    decoded = decode_image(png(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)))
    assert (decoded.shape, decoded.dtype) == ((28, 28), np.uint8)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_image_of_another_format_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be decoded; allowed: one whole PNG or JPEG"):
        decode_image(encoded(Image.fromarray(drawn()), kind))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_image_that_is_none_is_refused_by_the_name_of_its_field(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_image(data, field="images[3]")
    assert caught.value.field == "images[3]"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_image_that_is_cut_short_is_refused(kind: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (200, 200), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    with pytest.raises(InvalidInput, match="cannot be decoded"):
        decode_image(whole[: len(whole) // 2])


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_image_that_is_damaged_never_fails_otherwise(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG"]))
    damaged = bytearray(encoded(Image.fromarray(drawn()), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_image(bytes(damaged))
    except InvalidInput:
        return
    assert decoded.shape == (28, 28)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that states a size and has no such pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(4097, 4096), (12_000, 8_000), (60_000, 60_000), (2**31 - 1, 1)]
)
def test_image_bomb_is_refused_before_it_is_decoded(
    width: int, height: int, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(InvalidInput, match=f"at most {MAX_PIXELS} pixels") as caught:
        decode_image(bomb(width, height))
    assert "pixels" in caught.value.problem
    assert not recwarn.list


def test_image_at_the_limit_is_decoded() -> None:
    assert decode_image(png(np.zeros((4096, 4096), np.uint8))).shape == (28, 28)


def test_pillow_is_not_imported_before_a_picture_comes() -> None:
    program = (
        "import sys, shpc_core.images; before = 'PIL' in sys.modules;"
        "shpc_core.images.decode_image(sys.stdin.buffer.read());"
        "print(before, 'PIL' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        input=png(drawn()),
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"False", b"True"]
