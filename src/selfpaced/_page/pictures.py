"""Samples as text and as pictures of a page."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

# The quality of the JPEG of a photograph; up to this side a picture is a PNG, without loss.
QUALITY, LITTLE = 82, 64
# Digits of a number.
DIGITS = 6
# Numbers of channels of images: grey, colour, and colour with transparency.
CHANNELS = (1, 3, 4)
# How missing values are written.
MISSING = ("nan", "NaT", "<NA>")


def cell(value: object, longest: int) -> str:
    """Return a value as text, cut to its first letters; "" for a missing one.

    >>> cell(0.1 + 0.2, 10), cell(None, 10), cell("abcdef", 3)
    ('0.3', '', 'abc… (3 more letters)')
    """
    if value is None or str(value) in MISSING:
        return ""
    text = f"{value:.{DIGITS}g}" if isinstance(value, float | np.floating) else str(value)
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more letters)"


def of_pixels(pixels: NDArray[np.uint8], side: int) -> str:
    """Return the picture of an image of shape (channels, height, width) as a data URI."""
    from PIL import Image  # as below

    colours = len(pixels) >= 3
    values = np.moveaxis(pixels[:3], 0, -1) if colours else pixels[0]
    return as_uri(Image.fromarray(np.ascontiguousarray(values)), side)


def as_uri(image: "Image.Image", side: int) -> str:
    """Return a picture of Pillow as a data URI: a JPEG if it is large, else a PNG."""
    from PIL import Image  # Pillow is slow to import, and only images need it

    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file, large = io.BytesIO(), max(image.size) > LITTLE
    if large:
        image.save(file, "JPEG", quality=QUALITY)
    else:
        image.save(file, "PNG", optimize=True)
    kind = "jpeg" if large else "png"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def as_picture(image: NDArray[Any], side: int) -> str:
    """Return an image as a data URI, of this width and height at most.

    Args:
        image: uint8 from 0 to 255 or floats from 0 to 1, shape (height, width), (channels, height,
            width) or (height, width, channels) with 1, 3 or 4 channels.
        side: The largest width and height.

    Raises:
        ValueError: For another shape.
    """
    if image.dtype != np.uint8:
        image = (np.clip(np.nan_to_num(image.astype(np.float64)), 0, 1) * 255).round()
        image = image.astype(np.uint8)
    if image.ndim == 3 and image.shape[0] not in CHANNELS and image.shape[2] in CHANNELS:
        image = np.moveaxis(image, -1, 0)
    planes = image[None] if image.ndim == 2 else image
    if planes.ndim != 3 or planes.shape[0] not in CHANNELS:
        raise ValueError(
            f"An image has the shape (height, width), or 1, 3 or 4 channels first or last; got "
            f"{image.shape}."
        )
    return of_pixels(planes, side)
