"""Pictures of digits: files, data URLs, PIL images and arrays -> upright RGB pixels.

Where the ink is in them is ink.py's business.
"""

import base64
import io
import re
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from mnist_core.errors import UserError

# Pictures in data URLs come from strangers: few formats, and sizes that are quick to decode.
SENT_FORMATS = ("PNG", "JPEG", "WEBP")
MAX_SENT_SIDE = 1024
MAX_DATA_URL = 2**20
DATA_URL = re.compile(r"data:image/[a-z.+-]{1,20};base64,[A-Za-z0-9+/]*={0,2}")
# A file of one's own may be of any format that Pillow reads safely, and of 64 megapixels.
FORMATS = (*SENT_FORMATS, "BMP", "GIF", "TIFF", "PPM")
MAX_PIXELS = 2**26
MAX_SIDE = 2**15
# A few bytes that mean a lot of work, and how often they may be in a file: scans of a progressive
# JPEG, of which programs write 10, and what a PNG holds compressed beside its pixels.
MAX_SCANS = 24
MAX_CHUNKS = {b"zTXt": 16, b"iTXt": 16, b"iCCP": 2}
MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")  # of a JPEG, where a segment begins
SCAN, END, EXIF_SEGMENT = 0xDA, 0xD9, 0xE1
METADATA = {*range(0xE1, 0xF0), 0xFE} - {0xEE}  # 0xEE says how the colours are stored
# EXIF's orientation is among its first entries; reading all of it can take seconds.
MAX_EXIF = 2048
HEIC = re.compile(rb".{4}ftyp(heic|heix|hevc|mif1|msf1|avif)", re.DOTALL)
# Pictures are shrunk to about this before they are looked at.
SHRUNK_SIDE = 512


def check_data_url(value: object) -> str:
    """Return `value` if it has the form of a picture in a data URL; raise UserError otherwise."""
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
    """Decode the picture in a data URL, "data:image/png;base64,...". Raises UserError."""
    encoded = check_data_url(data_url).partition(",")[2]
    return _decode(base64.b64decode(encoded), SENT_FORMATS, MAX_SENT_SIDE)


def open_picture(file: str | Path | BinaryIO | None) -> Image.Image:
    """Open a picture file, turned upright; a large JPEG comes at a fraction of its size.

    Reads PNG, JPEG, WebP, BMP, GIF, TIFF and PPM of up to 64 megapixels; of several frames the
    first. Raises UserError for anything else, HEIC among it.
    """
    if file is None:
        raise UserError("there is no picture: choose a PNG, JPEG or WebP file")
    try:
        content = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"there is no picture {file}") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from error
    return _decode(content, FORMATS, MAX_SIDE)


def _decode(content: bytes, formats: tuple[str, ...], max_side: int) -> Image.Image:
    """Check the size before decoding: a small file can hold gigabytes of pixels."""
    if HEIC.match(content):
        raise UserError("HEIC and AVIF pictures are not read: save it as a JPEG and try again")
    try:
        exif, content = _without_metadata(content)
        with Image.open(io.BytesIO(content), formats=formats) as picture:
            _check_size(picture, max_side)
            picture.draft(None, (SHRUNK_SIDE, SHRUNK_SIDE))
            picture.load()
            return _upright(picture, exif or picture.info.get("exif", b""))
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"the picture is too large: {error}", "picture_too_large") from error
    except Exception as error:  # decoders of damaged files raise all kinds
        names = f"{', '.join(formats[:-1])} or {formats[-1]}".replace("WEBP", "WebP")
        raise UserError(
            f"the file is not a picture that can be read: send a {names} file"
        ) from error


def _without_metadata(content: bytes) -> tuple[bytes, bytes]:
    """Return a JPEG's EXIF, and the JPEG without metadata and what follows it, such as a video.

    Any other file comes back as it is. Raises UserError for a file that would take far longer to
    decode than its size lets expect.
    """
    too_many = "the picture has too many parts: save it again, as a plain PNG"
    if not content.startswith(b"\xff\xd8"):
        if any(content.count(name) > most for name, most in MAX_CHUNKS.items()):
            raise UserError(too_many)
        return b"", content
    kept, exif, scans, start, end = [content[:2]], b"", 0, 2, len(content)
    while (found := MARKER.search(content, start)) and content[found.start() + 1] != END:
        marker, begin = content[found.start() + 1], found.start()
        start = begin + 2 + int.from_bytes(content[begin + 2 : begin + 4], "big")
        scans += marker == SCAN
        if marker == EXIF_SEGMENT and content[begin + 4 : begin + 10] == b"Exif\0\0":
            exif = content[begin + 4 : start]
        if marker not in METADATA:
            after = MARKER.search(content, start)
            kept.append(content[begin : after.start() if after else end])
    if scans > MAX_SCANS:
        raise UserError(too_many)
    return exif, b"".join([*kept, b"\xff\xd9"])


def _upright(picture: Image.Image, exif: bytes) -> Image.Image:
    """Turn a picture as its EXIF says; where that is damaged, leave the picture as it is."""
    picture.info = {"exif": exif[:MAX_EXIF], **_transparency(picture)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of entries that were cut off
            return ImageOps.exif_transpose(picture)
    except Exception:  # as many kinds as there are damages
        return picture


def _transparency(picture: Image.Image) -> dict:
    return {key: value for key, value in picture.info.items() if key == "transparency"}


def to_rgb(image: object) -> np.ndarray:
    """A picture -> (h, w, 3) uint8, at most twice 512 a side; what is transparent is paper.

    `image` is a PIL image or an array, (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels, of
    uint8, of integers from 0 to 255, or of floats from 0 to 1. Raises UserError for others.
    """
    picture = image if isinstance(image, Image.Image) else Image.fromarray(_as_uint8(image))
    _check_size(picture, MAX_SIDE)
    if picture.mode.startswith(("I", "F")):
        picture = _eight_bits(picture)
    if picture.mode in ("LAB", "La", "RGBa"):
        raise UserError(f"pictures of mode {picture.mode} are not read: convert it to RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    if (factor := max(picture.size) // SHRUNK_SIDE) > 1:
        picture = picture.reduce(factor)
    if picture.mode == "RGBA":
        paper = Image.new("RGBA", picture.size, _paper_behind(picture))
        picture = Image.alpha_composite(paper, picture)
    return np.asarray(picture.convert("RGB"))


def _check_size(picture: Image.Image, max_side: int) -> None:
    if max(picture.size) > max_side or min(picture.size) < 1:
        expected = f"1 to {max_side} on each side"
    elif picture.width * picture.height > MAX_PIXELS:
        expected = f"at most {MAX_PIXELS // 2**20} megapixels"
    else:
        return
    raise UserError(
        f"the picture is {picture.width} x {picture.height} pixels; expected {expected}: "
        "crop or shrink it",
        code="picture_too_large",
    )


def _as_uint8(image: object) -> np.ndarray:
    """An array of any kind that `to_rgb` takes as (H, W) or (H, W, 3 or 4) uint8."""
    if not isinstance(image, np.ndarray):
        raise UserError(f"expected a PIL image or an array, not a {type(image).__name__}")
    if image.ndim == 3 and image.shape[2] not in (1, 3, 4) and image.shape[0] in (1, 3, 4):
        image = np.moveaxis(image, 0, 2)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise UserError(f"expected an array (H, W), (H, W, C) or (C, H, W), not {image.shape}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    most = 1 if image.dtype.kind in "fb" else 255
    if image.dtype.kind not in "fbiu" or not ((image >= 0) & (image <= most)).all():  # nor NaN
        raise UserError(
            f"expected an array of integers from 0 to 255 or floats from 0 to 1, not {image.dtype} "
            "with other values"
        )
    if most == 1:
        image = np.rint(255 * image.astype(np.float32))
    return np.ascontiguousarray(image, np.uint8)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits or more, which Pillow would cut off at 255, in shades of grey."""
    values = np.asarray(picture, np.float32)
    if not np.isfinite(values).all():
        raise UserError("the picture has values that are not numbers: save it as a PNG")
    largest = 65535 if picture.mode.startswith("I") else 255 if values.max() > 1 else 1
    return Image.fromarray(np.rint(255 * (values / largest).clip(0, 1)).astype(np.uint8))


def _paper_behind(picture: Image.Image) -> tuple[int, int, int, int]:
    """The colour to put behind a transparent picture.

    Its own paper where most of it is opaque, as in a screenshot with round corners;
    else black behind bright ink and white behind dark.
    """
    grey, alpha = picture.convert("LA").split()
    opaque = np.asarray(grey)[np.asarray(alpha) > 127]
    level = int(np.median(opaque)) if len(opaque) else 0
    if 2 * len(opaque) <= grey.width * grey.height:
        level = 0 if level > 127 else 255
    return (level, level, level, 255)
