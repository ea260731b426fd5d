"""Small pictures that ask for a lot of work, for tests to decode."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image

SIDE = 1024  # the largest that is read


@functools.cache
def costly_pictures() -> dict[str, bytes]:
    """Files of at most 785 kB by what is wrong with them; what is in them is a white paper."""
    png, jpeg = saved("PNG"), saved("JPEG")
    exif, text = b"Exif\0\0" + pointing(400), zlib.compress(b"x" * (2**20 - 1))
    return {
        "scans": scans(saved("JPEG", progressive=True), 2000),
        "EXIF in a JPEG": jpeg[:2] + segment(b"\xff\xe1", exif) + jpeg[2:],
        "index in a JPEG": jpeg[:2] + segment(b"\xff\xe2", b"MPF\0" + exif[6:]) + jpeg[2:],
        "EXIF in a PNG": png[:33] + chunk(b"eXIf", exif[6:]) + png[33:],
        "EXIF in a WebP": saved("WEBP", exif=exif),
        "text": png[:33] + chunk(b"zTXt", b"a\0\0" + text) * 60 + png[33:],
        "chunks": png[:33] + chunk(b"abCd", b"") * 50_000 + png[33:],
        "comments": jpeg[:2] + segment(b"\xff\xfe", b"") * 100_000 + jpeg[2:],
        "profiles": png[:33] + chunk(b"iCCP", b"a\0\0" + text) * 600 + png[33:],
    }


def saved(kind: str, **options) -> bytes:
    """A white paper as a file of this kind."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), "white").save(file, kind, **options)
    return file.getvalue()


@functools.cache
def photograph() -> bytes:
    """A file of the same size in pixels that is honest work: a JPEG of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=30)
    return file.getvalue()


def scans(content: bytes, number: int) -> bytes:
    """A progressive JPEG with so many scans more, which refine nothing."""
    again = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10" + b"\0" * 4
    tables = b"\xff\xc4\0\x15\x10\x01\x01" + b"\0" * 14 + b"\xe0\0"
    return content[:-2] + tables + again * number + content[-2:]


def pointing(times: int) -> bytes:
    """EXIF in which so many entries point at the same 60,000 bytes, itself among them."""
    entries = [struct.pack("<HHII", 1000 + i, 1, 60_000, 8) for i in range(times)]
    turn = struct.pack("<HHII", 274, 3, 1, 6)
    count = struct.pack("<H", times + 1)
    block = b"II*\0\x08\0\0\0" + count + turn + b"".join(entries) + b"\0" * 4
    return block.ljust(60_100, b"\0")


def segment(marker: bytes, content: bytes) -> bytes:
    """Of a JPEG."""
    return marker + struct.pack(">H", len(content) + 2) + content


def chunk(name: bytes, content: bytes) -> bytes:
    """Of a PNG."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check
