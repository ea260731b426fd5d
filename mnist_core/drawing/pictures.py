"""A picture of one digit -> its ink.

Photographs, scans and screenshots: any mode and size, transparency, either
polarity, uneven light, noise. Where the ink then goes is framing.py's business.
"""

import base64
import io
import math
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mnist_core.errors import UserError

# Larger pictures are refused: decoding them takes memory and time for nothing.
MAX_PICTURE_SIDE = 4096
# Pictures in data URLs come from the page, which sends 256 x 256 pixels.
MAX_SENT_SIDE = 1024
MAX_DATA_URL = 2**20
DATA_URL = re.compile(r"data:image/[a-z.+-]{1,20};base64,[A-Za-z0-9+/]*={0,2}")
# What makes a few bytes a lot of work, and how often it may be in a file: scans of a progressive
# JPEG, of which programs write 10, and what a PNG holds compressed beside its pixels.
MOST = {"JPEG": {b"\xff\xda": 24}, "PNG": {b"zTXt": 16, b"iTXt": 16, b"iCCP": 2}}
# How to turn a picture that says that it was taken with the camera held otherwise (EXIF's 274).
TURNS = dict(zip(range(2, 9), (0, 3, 1, 5, 4, 6, 2), strict=True))  # to an Image.Transpose
# Pictures are shrunk to this before they are looked at, and to this to see the paper's shades.
WORKING_SIDE = 256
COARSE_SIDE = 32
# Ink that stands out less from its paper, of the way from black to white, is taken for none.
MIN_CONTRAST = 0.08


def check_data_url(value: object) -> str:
    """`value`, if it has the form of a picture in a data URL. Raises UserError for others."""
    if not isinstance(value, str) or len(value) > MAX_DATA_URL:
        raise UserError(
            f"expected a picture as a data URL of at most {MAX_DATA_URL} characters: shrink it",
            code="picture_too_large" if isinstance(value, str) else None,
        )
    if not DATA_URL.fullmatch(value) or len(value.partition(",")[2]) % 4:
        raise UserError(
            "expected data:image/png;base64,... with base64 in it: send a PNG, JPEG or WebP file"
        )
    return value


def decode_picture(data_url: object) -> Image.Image:
    """The picture in a data URL, "data:image/png;base64,...". Raises UserError for others."""
    encoded = check_data_url(data_url).partition(",")[2]
    return open_picture(io.BytesIO(base64.b64decode(encoded)), MAX_SENT_SIDE)


def open_picture(
    file: str | Path | BinaryIO | None, max_side: int = MAX_PICTURE_SIDE
) -> Image.Image:
    """The picture in a file that somebody sent, decoded and upright. Raises UserError for others.

    Its size is checked before its pixels are: a small file can decode to gigabytes.
    """
    if file is None:
        raise UserError("there is no picture: send a PNG, JPEG or WebP file")
    try:
        content = file.read() if hasattr(file, "read") else Path(file).read_bytes()
        exif, content = _without_exif(content)
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
            _check_size(picture, max_side)
            picture.load()
            return _upright(picture, exif or picture.info.get("exif", b""))
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"there is no picture {file}") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"the picture is too large: {error}", "picture_too_large") from error
    except Exception as error:  # decoders of damaged files raise all kinds
        raise UserError(
            "the file is not a picture that can be read: send a PNG, JPEG or WebP file"
        ) from error


def _without_exif(content: bytes) -> tuple[bytes, bytes]:
    """A JPEG's EXIF and the file without it; any other file as it is.

    Pillow would read all that EXIF and the like point at, which may be the same bytes thousands
    of times. Raises UserError for a file that asks for more work than any program's does.
    """
    is_jpeg = content.startswith(b"\xff\xd8")
    for sign, most in MOST["JPEG" if is_jpeg else "PNG"].items():
        if content.count(sign) > most:
            raise UserError("the picture has too many parts: save it again, as a plain PNG")
    if not is_jpeg:
        return b"", content
    exif = content.partition(b"Exif\0\0")[2]
    return exif, content.replace(b"Exif\0\0", b"none\0\0").replace(b"MPF\0", b"none")


def _upright(picture: Image.Image, exif: bytes) -> Image.Image:
    """The picture turned as its EXIF says; of that nothing else is read."""
    tiff = exif.removeprefix(b"Exif\0\0")
    if not tiff:
        return picture
    order = "<" if tiff.startswith(b"II") else ">"
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, value = struct.unpack_from(f"{order}H6xH", tiff, place)
        if tag == 274:
            return picture.transpose(TURNS[value]) if value in TURNS else picture
    return picture


def picture_ink(image: Image.Image | np.ndarray) -> np.ndarray:
    """A picture -> (h, w) float32 ink, at most 256 a side: paper 0, full ink 1.

    `image` is a PIL image or an (H, W) or (H, W, 3 or 4) uint8 array, up to 4096 x 4096. Ink may be
    darker or brighter than the paper; the border tells where it is evenly lit. All 0 where there is
    less contrast than a hard pencil leaves. Raises UserError for anything else.
    """
    picture = Image.fromarray(_grey(_as_picture(image)))
    grey = np.asarray(picture.reduce(math.ceil(max(picture.size) / WORKING_SIDE)))
    if _ink_is_bright(grey):
        grey = 1 - grey
    ink = _paper(grey) - grey
    ink -= np.median(ink)  # most of a picture is paper
    if ink.max() < MIN_CONTRAST:
        return np.zeros_like(ink)
    strong = ink[ink > max(_otsu(ink), 0)]
    # Noise goes either way, ink only one: what lies below the paper tells how noisy it is.
    noise = math.sqrt(np.mean(np.minimum(ink, 0) ** 2) * 2)
    ink = np.where(ink > 3 * noise, ink, 0)
    ink = np.minimum(ink / np.quantile(strong, 0.75), 1).astype(np.float32)
    if noise > 0:  # keep what three of nine pixels around it are: specks and shadows are fewer
        ink = np.where(_sliding(ink > 0.3, 3, np.mean) > 0.3, ink, 0)
    return ink


def _check_size(picture: Image.Image, max_side: int = MAX_PICTURE_SIDE) -> None:
    if max(picture.size) > max_side or min(picture.size) < 1:
        raise UserError(
            f"the picture is {picture.width} x {picture.height} pixels; expected 1 to "
            f"{max_side} on each side: crop or shrink it",
            code="picture_too_large",
        )


def _as_picture(image: object) -> Image.Image:
    if isinstance(image, np.ndarray):
        channels = image.shape[2] if image.ndim == 3 else 1
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4):
            raise UserError(
                f"expected an (H, W) or (H, W, 3 or 4) uint8 array, not {image.dtype} {image.shape}"
            )
        image = Image.fromarray(image[:, :, 0] if image.ndim == 3 and channels == 1 else image)
    if not isinstance(image, Image.Image):
        raise UserError(f"expected a PIL image or a uint8 array, not a {type(image).__name__}")
    _check_size(image)
    return image


def _grey(picture: Image.Image) -> np.ndarray:
    """A picture as (H, W) float32 grey in [0, 1]; what is transparent becomes paper."""
    if picture.mode.startswith(("I", "F")):  # 16 bits or more, which Pillow would cut off at 255
        values = np.asarray(picture, np.float32)
        if not np.isfinite(values).all():
            raise UserError("the picture has values that are not numbers: save it as a PNG")
        largest = 65535 if picture.mode.startswith("I") else 255 if values.max() > 1 else 1
        return (values / largest).clip(0, 1)
    if picture.mode in ("LAB", "La", "RGBa"):
        raise UserError(f"pictures of mode {picture.mode} are not read: convert it to RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, _paper_behind(picture))
        picture = Image.alpha_composite(paper, picture)
    return np.asarray(picture.convert("L"), np.float32) / 255


def _paper_behind(picture: Image.Image) -> tuple[int, int, int, int]:
    """What to put behind a transparent picture.

    Its own paper where most of it is opaque, a screenshot with round corners, say;
    else black behind bright ink and white behind dark.
    """
    grey, alpha = picture.convert("LA").split()
    opaque = np.asarray(grey)[np.asarray(alpha) > 127]
    level = int(np.median(opaque)) if len(opaque) else 0
    if 2 * len(opaque) <= grey.width * grey.height:
        level = 0 if level > 127 else 255
    return (level, level, level, 255)


def _ink_is_bright(grey: np.ndarray) -> bool:
    """Whether the ink of an (h, w) picture is brighter than the paper.

    An evenly lit border is paper. Where light falls off towards the border, the few
    places that stand out from what is around them are ink.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    middle = np.median(border)
    if np.quantile(np.abs(border - middle), 0.7) < 0.02:
        return (grey > middle + 0.1).sum() > (grey < middle - 0.1).sum()
    small, window = _coarse(grey)
    standing_out = small - _sliding(small, window, np.median)
    return bool((standing_out**3).sum() > 0)


def _paper(grey: np.ndarray) -> np.ndarray:
    """How bright the paper is at each pixel, from (h, w) grey in which ink is dark.

    A morphological closing: each place takes the brightness of the darkest of the
    brightest places around it, so that strokes vanish and shadows stay. Light that
    falls off towards the border is taken to go on doing so beyond it.
    """
    small, window = _coarse(grey)
    beyond = np.minimum(
        np.pad(small, window, mode="edge"),
        np.pad(small, window, mode="reflect", reflect_type="odd"),
    )
    closed = _sliding(_sliding(beyond, window, np.max), window, np.min)
    closed = np.ascontiguousarray(closed[window:-window, window:-window])
    size = (grey.shape[1], grey.shape[0])
    return np.asarray(Image.fromarray(closed).resize(size, Image.Resampling.BILINEAR))


def _coarse(grey: np.ndarray) -> tuple[np.ndarray, int]:
    """(h, w) grey at 32 pixels a side at most, and a window wider than any stroke in it."""
    small = np.asarray(Image.fromarray(grey).reduce(math.ceil(max(grey.shape) / COARSE_SIDE)))
    return small, 2 * (max(small.shape) // 5) + 1


def _sliding(values: np.ndarray, window: int, summary: Callable) -> np.ndarray:
    """Summarise a square window around each place of a (h, w) array, one axis after the other."""
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (window // 2, window // 2)
        padded = np.pad(values, margins, mode="edge")
        values = summary(np.lib.stride_tricks.sliding_window_view(padded, window, axis), axis=-1)
    return np.ascontiguousarray(values)


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts values into the two most distinct classes (Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    means = sums / np.maximum(below, 1), (sums[-1] - sums) / np.maximum(above, 1)
    apart = below * above * (means[0] - means[1]) ** 2
    return float(middles[np.argmax(apart)])
