"""The collections that weights/ was trained on become drawing files."""

import hashlib

import pytest

from experiments import unipen
from mnist_core.drawing.strokes import read_drawings

PEN_DIGIT = """.SEGMENT DIGIT 0 ? "7"
.COMMENT 7 12 345
.PEN_DOWN
 100 400
 200 400
.PEN_UP
.DT 100
.PEN_DOWN
 150 350
 150 100
.PEN_UP
"""


@pytest.fixture
def convert(tmp_path, monkeypatch):
    """Convert as the command line does; the folder of the drawing files."""

    def convert(*arguments):
        output = tmp_path / "data"
        monkeypatch.setattr(
            "sys.argv", ["unipen.py", *map(str, arguments), "--output", str(output)]
        )
        unipen.main()
        return output

    return convert


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The pen digits to download: one, from a folder."""
    for name in unipen.SHA256:
        (tmp_path / name).write_text(PEN_DIGIT)
    checksum = hashlib.sha256(PEN_DIGIT.encode()).hexdigest()
    monkeypatch.setattr(unipen, "SHA256", dict.fromkeys(unipen.SHA256, checksum))
    monkeypatch.setattr(unipen, "SOURCE", f"{tmp_path.as_uri()}/")
    return tmp_path


def test_the_pen_digits_are_downloaded_and_converted(source, convert):
    (drawing,) = read_drawings(convert() / "pendigits-train.jsonl.gz")
    assert (drawing.label, drawing.extra) == (7, {"writer": "12"})
    # y grew upwards, and the longer side was 300.
    assert [stroke.tolist() for stroke in drawing.strokes] == [
        [[0, 0], [333, 0]],
        [[167, 167], [167, 1000]],
    ]


PEN = """.VERSION 1.0
.COORD Y X T
.WRITER_ID ann
.COMMENT 3 of these
 12 13
.PEN_DOWN
 50 10 1
 40 10 2
.PEN_UP
 45 12 3
.PEN_DOWN
 30 0 4
 30 20 5
.DT 5
.PEN_DOWN
 9 9 6
.PEN_UP
"""
NAMES = """.INCLUDE abc/data/pen.dat
.SEGMENT CHARACTER 0-2 ? "T"
.SEGMENT CHARACTER 0,2 OK "7"
.SEGMENT CHARACTER 2:1 ? "\\\\"
.SEGMENT WORD 0-3 ? "word"
.SEGMENT CHARACTER 1 ? "unlifted"
"""


@pytest.fixture
def release(tmp_path):
    """A UNIPEN release of one file, as it lies on its disc."""
    folder = tmp_path / "release"
    for path, text in (("data/1a/abc/pen.dat", NAMES), ("include/abc/data/pen.dat", PEN)):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text)
    return folder


def test_a_unipen_release_is_converted(release, convert):
    output = convert("--release", release)
    (seven,) = read_drawings(output / "unipen-digits.jsonl.gz")
    # Component 1 is the pen's way above the paper, and x stands second.
    assert (seven.label, seven.extra) == (7, {"writer": "abc-ann"})
    expected = [[[500, 0], [500, 500]], [[0, 1000], [1000, 1000]]]
    assert [stroke.tolist() for stroke in seven.strokes] == expected
    t, backslash = read_drawings(output / "unipen-characters.jsonl.gz", digits=False)
    assert t.extra == {"character": "T", "writer": "abc-ann"}
    assert len(t.strokes) == 2
    assert backslash.extra["character"] == "\\\\"
    assert [stroke.tolist() for stroke in backslash.strokes] == [[[0, 0]]]  # from point 1 on
