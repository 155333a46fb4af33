"""From a picture of one garment to what the classifier was trained on: 28 by 28, light on dark.

One rule for every picture, after the one by which Fashion-MNIST was made (Xiao, Rasul and Vollgraf
2017, section 2; without its sharpening, and with 10 % where it has 5, for the ripples of JPEG):

1. PNG or JPEG, turned as its EXIF orientation says; transparency lies on white; then grey.
2. The background is the median of the four corner pixels. Margins within 10 % of it are cut off.
3. The longer side is scaled to 28 pixels, the shorter one filled up with background on both sides.
4. A light background (above 127) is turned dark by negating the picture.

A picture of 28 by 28 is neither cut nor scaled, so that images of the data set stay as they are.
Everything else is refused, and a picture of too many pixels before any of them is decoded.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shpc_core.errors import InvalidInput
from shpc_core.idx import IMAGE_SHAPE

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 4096 * 4096
_SIDE = IMAGE_SHAPE[0]
_MARGIN_TOLERANCE = 0.1 * 255
_ALLOWED = f"one whole PNG or JPEG of at most {MAX_PIXELS} pixels"


def decode_image(data: bytes, *, field: str = "image") -> NDArray[np.uint8]:
    """The picture in `data` by the rule above: (28, 28) uint8. `InvalidInput` names `field`."""
    # Pillow takes 50 ms to import, and shards of a data set never need it.
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        if image.width * image.height > MAX_PIXELS:
            raise InvalidInput(field, f"is {image.width} by {image.height} pixels", _ALLOWED)
        grey = _grey(image)
    except Image.DecompressionBombError as error:
        raise InvalidInput(field, "has far too many pixels", _ALLOWED) from error
    except (OSError, SyntaxError, ValueError) as error:
        # The three that Pillow raises for files that are broken or of another format.
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(field, "cannot be decoded", _ALLOWED) from error
    return _framed(grey)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        # 16 bits a pixel: Pillow's own conversion clips instead of scaling.
        return (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
    if upright.has_transparency_data:
        page = Image.new("RGBA", upright.size, "white")
        page.alpha_composite(upright.convert("RGBA"))
        upright = page
    return np.array(upright.convert("L"))


def _framed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    background = int(np.median(grey[[0, 0, -1, -1], [0, -1, 0, -1]]))
    if grey.shape != IMAGE_SHAPE:
        grey = _centred(_trimmed(grey, background), background)
    return np.uint8(255) - grey if background > 127 else grey


def _trimmed(grey: NDArray[np.uint8], background: int) -> NDArray[np.uint8]:
    drawn = np.abs(grey.astype(np.int16) - background) > _MARGIN_TOLERANCE
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
