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
from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.images import (
    MAX_PIXELS,
    MAX_REQUEST_PIXELS,
    MEDIA_TYPES,
    decode_image,
    decode_images,
    picture_format,
)

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
    for image in images:
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


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "ICO", "TGA", "JPEG2000"])
def test_image_of_another_format_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput, match="is no PNG, JPEG, WebP, GIF or BMP file; allowed: one"):
        decode_image(encoded(Image.fromarray(drawn()), kind))


LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True}, "GIF": {}, "BMP": {}}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_image_is_the_same_in_every_format_without_loss(images: Grey, kind: str) -> None:
    for image in images[:50]:
        file = encoded(Image.fromarray(image), kind, **LOSSLESS[kind])
        np.testing.assert_array_equal(decode_image(file), image)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_image_of_several_pictures_is_the_first(kind: str) -> None:
    first, second = Image.fromarray(drawn()), Image.fromarray(drawn(paper=0, ink=90).T.copy())
    options = {"save_all": True, "append_images": [second], **LOSSLESS[kind]}
    moving = encoded(first, kind, **options)
    np.testing.assert_array_equal(decode_image(moving), decode_image(png(drawn())))


def test_image_format_is_what_its_first_bytes_say() -> None:
    for name, media_type in MEDIA_TYPES.items():
        file = encoded(Image.fromarray(drawn()), name)
        assert picture_format(file) == name
        assert Image.open(io.BytesIO(file)).get_format_mimetype() == media_type
    assert picture_format(b"RIFF\x00\x00\x00\x00WAVE") is None


@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_image_that_only_begins_like_one_is_refused(name: str) -> None:
    start = encoded(Image.fromarray(drawn()), name)[:12]
    for rest in (b"", b"hello" * 100, bytes(500), b"\xff" * 500):
        with pytest.raises(InvalidInput, match=r"cannot be decoded|pixels"):
            decode_image(start + rest)


@pytest.mark.parametrize("paper", [0, 40, 215, 255])
def test_image_background_is_decided_alike_in_noise_and_with_dirty_corners(paper: int) -> None:
    """The threshold is far from either kind of background, and no single pixel decides."""
    rng = np.random.default_rng(4)
    page = drawn(280, 280, paper=paper, ink=255 - paper).astype(int)
    noisy = np.clip(page + rng.integers(-80, 81, page.shape), 0, 255).astype(np.uint8)
    noisy[0, 0] = noisy[-1, -1] = noisy[0, -1] = 255 - paper
    light = decode_image(png(noisy))
    assert np.median(light[[0, 0, -1, -1], [0, -1, 0, -1]]) < 128


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_image_that_is_none_is_refused_by_the_name_of_its_field(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_image(data, field="images[3]")
    assert caught.value.field == "images[3]"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_image_that_is_cut_short_is_refused(kind: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (200, 200), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    for length in (len(whole) // 5, len(whole) // 2, len(whole) * 99 // 100):
        with pytest.raises(InvalidInput, match="cannot be decoded"):
            decode_image(whole[:length])


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_image_that_is_damaged_never_fails_otherwise(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
    damaged = bytearray(encoded(Image.fromarray(drawn()), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode_image(bytes(damaged))
    except InvalidInput:
        return
    assert decoded.shape == (28, 28)


MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "WEBP": ["L", "RGB", "RGBA"],
    "GIF": ["1", "L", "P", "RGBA"],
    "BMP": ["1", "L", "P", "RGB", "RGBA"],
}


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_image_of_any_size_depth_palette_alpha_and_orientation_becomes_28_by_28(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.sampled_from(sorted(MODES)))
    mode = data.draw(st.sampled_from(MODES[kind]))
    size = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    pixels = data.draw(st.randoms(use_true_random=False)).randbytes(size[0] * size[1] * 4)
    page = Image.frombytes("RGBA", size, pixels)
    page = page.convert("L").convert("I;16") if mode == "I;16" else page.convert(mode)
    options: dict[str, Any] = {}
    if kind in ("PNG", "JPEG", "WEBP"):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = data.draw(st.integers(0, 9))
    if (kind, mode) in (("PNG", "P"), ("PNG", "L"), ("GIF", "P")):
        options["transparency"] = data.draw(st.integers(0, 255))
    decoded = decode_image(encoded(page, kind, **options))
    assert (decoded.shape, decoded.dtype) == ((28, 28), np.uint8)


@settings(deadline=None, max_examples=200)
@given(
    start=st.sampled_from(
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF1234WEBP"]
    ),
    rest=st.binary(max_size=200),
)
def test_image_of_any_bytes_never_fails_otherwise(start: bytes, rest: bytes) -> None:
    try:
        decoded = decode_image(start + rest)
    except InvalidInput:
        return
    assert decoded.shape == (28, 28)


def test_image_of_sixteen_bits_keeps_its_transparency() -> None:
    deep = np.full((28, 28), 5_000, np.uint16)
    deep[10:20, 10:20] = 40_000
    file = encoded(Image.fromarray(deep), transparency=5_000)
    decoded = decode_image(file)
    assert (decoded[0, 0], decoded[15, 15]) == (0, 255 - (40_000 >> 8))


def test_images_may_not_be_many_large_ones_at_once() -> None:
    """Small files, each within its limit, that would decode for longer than a request lasts."""
    one = encoded(Image.new("1", (4096, 4096)))
    assert len(one) < 10_000
    assert MAX_REQUEST_PIXELS // MAX_PIXELS == 8
    with pytest.raises(TooLarge) as caught:
        decode_images([one] * 9)
    assert caught.value.field == "images[8]"
    assert str(MAX_REQUEST_PIXELS) in caught.value.allowed


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


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("PNG", "1", (20_000, 20_000)),
        ("GIF", "P", (20_000, 20_000)),
        ("BMP", "1", (20_000, 20_000)),
        # As wide as WebP can be.
        ("WEBP", "L", (16_383, 1_100)),
    ],
)
def test_image_bomb_of_a_real_file_is_refused_in_any_format(
    kind: str, mode: str, size: tuple[int, int]
) -> None:
    file = encoded(Image.new(mode, size), kind)
    with pytest.raises(InvalidInput, match=f"pixels; allowed: .* at most {MAX_PIXELS} pixels"):
        decode_image(file)


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
