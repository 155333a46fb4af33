"""From a picture of one garment to what the classifier was trained on: 28 by 28, light on dark.

One rule for every picture, after the one by which Fashion-MNIST was made (Xiao, Rasul and Vollgraf
2017, section 2; without its sharpening, and with 10 % where it has 5, for the ripples of JPEG):

1. PNG, JPEG, WebP, GIF or BMP, by its first bytes; of several pictures the first; turned as its
   EXIF orientation says; transparency lies on white; then grey.
2. The background is the median of the four corners, each as large as a pixel of the result.
   Margins within 10 % of it are cut off.
3. The longer side is scaled to 28 pixels, the shorter one filled up with background on both sides.
4. A light background (above 127) is turned dark by negating the picture.

A picture of 28 by 28 is neither cut nor scaled, so that images of the data set stay as they are.
Everything else is refused, and a picture of too many pixels before any of them is decoded. The
reasons and how well it does: docs/images.md.
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shpc_core.errors import InvalidInput, TooLarge
from shpc_core.idx import IMAGE_SHAPE

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 4096 * 4096
# 30 ns a pixel at worst: four seconds of the thirty that an HTTP API waits.
MAX_REQUEST_PIXELS = 8 * MAX_PIXELS
MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
_PLUGINS = {
    "PNG": "PngImagePlugin",
    "JPEG": "JpegImagePlugin",
    "WebP": "WebPImagePlugin",
    "GIF": "GifImagePlugin",
    "BMP": "BmpImagePlugin",
}
_FORMATS = "PNG, JPEG, WebP, GIF or BMP"
_SIGNATURES = (
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("BMP", b"BM"),
)
_SIDE = IMAGE_SHAPE[0]
_MARGIN_TOLERANCE = 0.1 * 255
_ALLOWED = f"one whole {_FORMATS} of at most {MAX_PIXELS} pixels"


def picture_format(data: bytes) -> str | None:
    """What a file's first bytes say it is, a key of `MEDIA_TYPES`; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return next((name for name, start in _SIGNATURES if data.startswith(start)), None)


def decode_image(data: bytes, *, field: str = "image") -> NDArray[np.uint8]:
    """The picture in `data` by the rule above: (28, 28) uint8. `InvalidInput` names `field`."""
    return _decoded(_opened(data, field), field)


def decode_images(files: Sequence[bytes], *, field: str = "images") -> NDArray[np.uint8]:
    """Every picture by the rule above: (n, 28, 28) uint8, n at least 1.

    `InvalidInput` names the one that is none, `TooLarge` the one before which there were pixels
    enough: small files can hold many, and a request has 30 seconds for all of them.
    """
    decoded = []
    pixels = 0
    for position, data in enumerate(files):
        name = f"{field}[{position}]"
        image = _opened(data, name)
        pixels += image.width * image.height
        if pixels > MAX_REQUEST_PIXELS:
            raise TooLarge(
                name,
                f"brings the pictures of this request to {pixels} pixels",
                f"{MAX_REQUEST_PIXELS} in all",
            )
        decoded.append(_decoded(image, name))
    return np.stack(decoded)


def _opened(data: bytes, field: str) -> Image.Image:
    """The picture, of which Pillow has read no more than the header."""
    name = picture_format(data)
    if name is None:
        raise InvalidInput(field, f"is no {_FORMATS} file", _ALLOWED)
    # Pillow takes 50 ms to import, and shards of a data set never need it.
    from PIL import Image

    # Beforehand and alone: for a format it has not met, Pillow would import all of its forty.
    importlib.import_module(f"PIL.{_PLUGINS[name]}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=(name,))
        except Image.DecompressionBombError as error:
            raise InvalidInput(field, "has far too many pixels", _ALLOWED) from error
        except Exception as error:
            raise _undecodable(error, field) from error
    if image.width * image.height > MAX_PIXELS:
        raise InvalidInput(field, f"is {image.width} by {image.height} pixels", _ALLOWED)
    return image


def _decoded(image: Image.Image, field: str) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            grey = _grey(image)
        except Exception as error:
            raise _undecodable(error, field) from error
    return _framed(grey)


def _undecodable(error: Exception, field: str) -> Exception:
    """A refusal, whatever a decoder met in foreign bytes: Pillow's raise what their parsing raises.

    Not for a lack of memory, which is the environment's failure and no fault of the file.
    """
    if isinstance(error, MemoryError):
        return error
    return InvalidInput(field, "is broken or cut short and cannot be decoded", _ALLOWED)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        # 16 bits a pixel: Pillow's own conversion clips instead of scaling.
        deep = np.asarray(upright)
        grey = (deep >> 8).astype(np.uint8)
        if isinstance(transparent := upright.info.get("transparency"), int):
            grey[deep == transparent] = 255
        return grey
    if upright.has_transparency_data:
        page = Image.new("RGBA", upright.size, "white")
        # convert() would copy even what is RGBA: a quarter of the memory at the limit.
        page.alpha_composite(upright if upright.mode == "RGBA" else upright.convert("RGBA"))
        upright = page
    return np.array(upright.convert("L"))


def _framed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    background = _background(grey)
    if grey.shape != IMAGE_SHAPE:
        grey = _centred(_trimmed(grey, background), background)
    return np.uint8(255) - grey if background > 127 else grey


def _background(grey: NDArray[np.uint8]) -> int:
    """The median over four corners, each a 28th of either side: one pixel in 28 by 28."""
    height, width = (max(1, side // _SIDE) for side in grey.shape)
    corners = [
        grey[rows, columns].ravel()
        for rows in (slice(height), slice(-height, None))
        for columns in (slice(width), slice(-width, None))
    ]
    return int(np.median(np.concatenate(corners)))


def _trimmed(grey: NDArray[np.uint8], background: int) -> NDArray[np.uint8]:
    is_drawn = np.abs(np.arange(256) - background) > _MARGIN_TOLERANCE
    drawn = is_drawn[grey]
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _centred(grey: NDArray[np.uint8], background: int) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = grey.shape
    longer = max(height, width)
    size = (max(1, round(width * _SIDE / longer)), max(1, round(height * _SIDE / longer)))
    scaled = Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS)
    canvas = Image.new("L", (_SIDE, _SIDE), background)
    canvas.paste(scaled, ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    return np.array(canvas)
