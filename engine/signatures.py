"""手写签名: a drawn signature as a picture. What is kept is a small PNG of the strokes on white, without what a camera adds."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from . import documents
from .errors import SignatureUnusable
from .ports import File

#: what a drawn signature is as a document; no form field can be called so
KIND = "drawn-signature"
#: width and height of what is kept, at most, in pixels
SIZE = (600, 240)
#: a telephone's camera makes up to 50 million
_MOST_PIXELS = 64_000_000
#: by how many of 255 shades a stroke differs from its paper
_CONTRAST = 60
#: pixels of a stroke, and width and height together of what is drawn, at least
_LEAST_INK, _LEAST_SPREAD = 40, 40
_MARGIN = 8


def picture(file: File, *, limit: int) -> File:
    """What is kept of a picture that was drawn or chosen; `limit` in MB.

    Raises the errors of `documents.checked`, and SignatureUnusable for what is no picture, is damaged, or shows nothing.
    """
    given = documents.checked(file, limit=limit)
    if not given.media_type.startswith("image/"):
        raise SignatureUnusable(name=given.name, reason="it is no picture")
    try:
        flat = _on_white(given.content)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise SignatureUnusable(name=given.name, reason="the picture is damaged or too large") from error
    strokes = _strokes(flat)
    if strokes is None:
        raise SignatureUnusable(name=given.name, reason="nothing is drawn on it")
    left, top, right, bottom = strokes
    box = (max(0, left - _MARGIN), max(0, top - _MARGIN), min(flat.width, right + _MARGIN), min(flat.height, bottom + _MARGIN))
    kept = io.BytesIO()
    flat.crop(box).quantize(16).save(kept, "PNG", optimize=True)
    return File(kind=KIND, name="signature.png", media_type="image/png", content=kept.getvalue())


def _on_white(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as opened:
        if opened.width * opened.height > _MOST_PIXELS:
            raise Image.DecompressionBombError
        opened.draft("RGB", SIZE)
        image = ImageOps.exif_transpose(opened)
        image.thumbnail(SIZE)
        image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def _strokes(flat: Image.Image) -> tuple[int, int, int, int] | None:
    """Where something differs from the paper, whose shade is the most common one; None where it is too little to be a signature."""
    grey = flat.convert("L")
    shades = grey.histogram()
    paper = shades.index(max(shades))
    ink = grey.point([255 if abs(shade - paper) > _CONTRAST else 0 for shade in range(256)])
    box = ink.getbbox()
    if box is None or ink.histogram()[255] < _LEAST_INK or box[2] - box[0] + box[3] - box[1] < _LEAST_SPREAD:
        return None
    return box
