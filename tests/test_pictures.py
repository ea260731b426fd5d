"""Pictures of every kind give the digit that is on them, or a reason why not."""

import base64
import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from mnist_core.drawing import ink, pictures
from mnist_core.drawing.framing import crop
from mnist_core.drawing.ink import frame_picture
from mnist_core.drawing.pictures import decode_picture, open_picture
from mnist_core.errors import UserError
from serving.routes import answer
from tests.drawings import data_url


def enlarge(digit: np.ndarray) -> np.ndarray:
    return np.kron(digit, np.ones((10, 10), np.uint8))


@pytest.mark.parametrize(
    "paint",
    [
        lambda digit: digit,
        lambda digit: enlarge(digit),
        lambda digit: 255 - enlarge(digit),
        lambda digit: Image.fromarray(255 - enlarge(digit)).convert("RGB"),
        lambda digit: Image.fromarray(np.pad(255 - enlarge(digit), 90, constant_values=255)),
        lambda digit: Image.merge(
            "LA", (Image.new("L", (280, 280), 0), Image.fromarray(enlarge(digit)))
        ),
        lambda digit: Image.merge(
            "LA", (Image.new("L", (280, 280), 255), Image.fromarray(enlarge(digit)))
        ),
    ],
    ids=["as it is", "enlarged", "dark on light", "RGB", "far border", "alpha", "white alpha"],
)
def test_a_painted_mnist_digit_comes_back_nearly_the_same(mnist, paint):
    digits = mnist[0][:40].numpy()
    returned = np.stack([frame_picture(paint(digit)) for digit in digits])
    assert np.abs(returned.astype(int) - digits).mean() < 2  # grey levels of 255


@pytest.mark.parametrize("edge", [0.6, 0.8])
def test_light_that_falls_off_to_the_border_is_not_taken_for_dark_paper(mnist, recognizer, edge):
    rows, columns = np.indices((600, 600)) - 299.5
    light = 0.95 - (1 - edge) * np.hypot(rows, columns) / 300
    images, labels = mnist[0][:40].numpy(), mnist[1][:40].numpy()
    read = []
    for image in images:
        large = np.asarray(Image.fromarray(image).resize((300, 300), Image.Resampling.BICUBIC))
        paper = light * (1 - 0.7 * np.pad(large, 150) / 255)
        read.append(recognizer.predict_image((255 * paper.clip(0, 1)).astype(np.uint8)).digit)
    assert np.mean(read == labels) > 0.9


def test_a_picture_that_is_all_transparent_has_no_digit(recognizer):
    assert recognizer.predict_image(Image.new("RGBA", (64, 64), (0, 0, 0, 0))).digit is None


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_pictures_of_more_than_eight_bits_are_read(mnist, kind):
    digit = mnist[0][0].numpy()
    values = enlarge(digit).astype(kind) * (257 if kind is not np.float32 else 1)
    assert np.abs(frame_picture(Image.fromarray(values)).astype(int) - digit).mean() < 1.5


@pytest.mark.parametrize("size", [(1, 1), (1, 4096), (4096, 1), (2, 3)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_pictures_of_any_mode_and_size_are_framed(mode, size):
    assert frame_picture(Image.new(mode, size)).shape == (28, 28)


def test_values_that_are_not_numbers_are_refused():
    with pytest.raises(UserError, match="not numbers"):
        frame_picture(Image.fromarray(np.full((5, 5), np.nan, np.float32)))


def test_a_large_picture_is_read_as_its_small_self(mnist):
    digit = mnist[0][0].numpy()
    large = np.kron(digit, np.ones((146, 146), np.uint8))  # 4088 pixels a side
    assert np.abs(frame_picture(large).astype(int) - digit).mean() < 2


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "not a NoneType"),
        (np.full((10, 10), 1.5), "float64"),
        (np.full((10, 10), np.nan), "floats from 0 to 1"),
        (np.full((10, 10), 256), "int64"),
        (np.zeros((10, 10, 2), np.uint8), r"\(10, 10, 2\)"),
        (np.zeros((0, 10), np.uint8), "10 x 0 pixels"),
        (np.zeros((2**15 + 1, 1), np.uint8), "1 x 32769"),
    ],
)
def test_what_is_not_a_picture_is_refused_with_a_reason(image, says):
    with pytest.raises(UserError, match=says):
        frame_picture(image)


def test_a_picture_in_a_data_url_is_opened():
    picture = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10))
    assert np.array_equal(np.asarray(decode_picture(data_url(picture))), np.asarray(picture))
    for wrong in ("data:image/png,abcd", data_url(picture)[:-1], "data:image/png;base64,ab!d", 7):
        with pytest.raises(UserError):
            decode_picture(wrong)
    with pytest.raises(UserError, match="1 to 1024 on each side"):
        decode_picture(data_url(Image.new("L", (1025, 3))))


@pytest.mark.parametrize(
    ("size", "says"), [((9000, 9000), "at most 64 megapixels"), ((20_000, 20_000), "too large")]
)
def test_a_picture_file_too_large_is_refused_undecoded(tmp_path, size, says):
    Image.new("1", size).save(tmp_path / "bomb.png")
    with pytest.raises(UserError, match=says):
        open_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:200], lambda data: b"text", lambda data: b""]
)
def test_a_file_that_cannot_be_decoded_is_refused(tmp_path, damage):
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(damage((tmp_path / "a.png").read_bytes()))
    with pytest.raises(UserError, match="send a PNG"):
        open_picture(tmp_path / "a.png")
    with pytest.raises(UserError, match="there is no picture"):
        open_picture(None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 10))
def test_a_picture_is_turned_as_its_exif_says(tmp_path, kind, turn):
    exif = Image.Exif()
    exif[274] = turn
    shades = np.arange(0, 240, 10, np.uint8).reshape(4, 6)
    path = tmp_path / "turned"
    Image.fromarray(shades).convert("RGB").save(path, kind, exif=exif)
    with Image.open(path) as picture:
        expected = ImageOps.exif_transpose(picture)
    assert np.array_equal(np.asarray(open_picture(path)), np.asarray(expected))


def saved(kind: str, **options) -> bytes:
    """Noise, as a photograph has it, as a file of this kind."""
    noise, file = np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8), io.BytesIO()
    Image.fromarray(noise).save(file, kind, **options)
    return file.getvalue()


def segment(marker: bytes, content: bytes) -> bytes:
    """Of a JPEG."""
    return marker + (len(content) + 2).to_bytes(2, "big") + content


def test_damaged_or_empty_exif_and_what_follows_a_jpeg_are_ignored():
    photo = saved("JPEG")
    expected = np.asarray(open_picture(io.BytesIO(photo)))
    for exif in (b"", b"garbage!garbage", b"II*\0\x08\0\0\0\xff\xff"):
        content = photo[:2] + segment(b"\xff\xe1", b"Exif\0\0" + exif) + photo[2:]
        assert np.array_equal(np.asarray(open_picture(io.BytesIO(content))), expected)
    video = b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\x08" * 100  # of a Motion Photo
    assert np.array_equal(np.asarray(open_picture(io.BytesIO(photo + video))), expected)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "PPM"])
def test_files_of_ones_own_may_be_of_more_kinds_than_sent_ones(mnist, tmp_path, kind):
    path = tmp_path / "picture"
    Image.fromarray(enlarge(mnist[0][0].numpy())).convert("RGB").save(path, kind)
    assert np.abs(frame_picture(open_picture(path)).astype(int) - mnist[0][0].numpy()).mean() < 1.5
    with pytest.raises(UserError, match="PNG, JPEG or WebP"):
        decode_picture("data:image/png;base64," + base64.b64encode(path.read_bytes()).decode())


def test_a_jpeg_of_48_megapixels_is_read_and_heic_refused_by_name(mnist, tmp_path):
    digit = Image.fromarray(mnist[0][0].numpy()).resize((8000, 6000), Image.Resampling.BOX)
    digit.save(tmp_path / "large.jpg")
    small = frame_picture(digit.resize((400, 300)))
    assert (
        np.abs(frame_picture(open_picture(tmp_path / "large.jpg")).astype(int) - small).mean() < 2
    )
    with pytest.raises(UserError, match="HEIC"):
        open_picture(io.BytesIO(b"\0\0\0\x18ftypheic" + b"\0" * 100))


@pytest.mark.parametrize(
    "change",
    [
        lambda digit: digit / 255,
        lambda digit: (digit / 255).astype(np.float32),
        lambda digit: digit.astype(np.int64),
        lambda digit: digit[None],
        lambda digit: np.repeat(digit[None], 3, 0) / 255,
        lambda digit: digit[:, :, None],
    ],
)
def test_arrays_of_every_usual_kind_are_read_alike(mnist, change):
    digit = enlarge(mnist[0][0].numpy())
    assert np.array_equal(frame_picture(change(digit)), frame_picture(digit))


def test_small_files_that_ask_for_much_work_do_not_get_it(monkeypatch):
    """Each of these took 70 to 200 times as long as a photograph of its size."""
    jpeg, png = saved("JPEG"), saved("PNG")
    many = [jpeg[:-2] + b"\xff\xda\0\x02" * 25, png + b"zTXt" * 17, png + b"iCCP" * 3]
    for content in many:  # scans, and what is compressed beside the pixels
        with pytest.raises(UserError, match="too many parts"):
            open_picture(io.BytesIO(content))
    for marker in (b"\xff\xfe", b"\xff\xe2"):  # comments, and an index of more pictures
        _, content = pictures._without_metadata(jpeg[:2] + 1000 * segment(marker, b"") + jpeg[2:])
        assert content == pictures._without_metadata(jpeg)[1]
    turned = []
    monkeypatch.setattr(
        ImageOps, "exif_transpose", lambda picture: turned.append(picture) or picture
    )
    for kind in ("JPEG", "PNG", "WEBP"):
        open_picture(io.BytesIO(saved(kind, exif=b"Exif\0\0" + bytes(60_000))))
    assert [len(picture.info["exif"]) for picture in turned] == [pictures.MAX_EXIF] * 3


def on_table(digit: np.ndarray) -> np.ndarray:
    return np.pad(255 - enlarge(digit), 60, constant_values=70)


def in_frame(digit: np.ndarray) -> np.ndarray:
    return np.pad(255 - enlarge(digit), [(4, 4), (4, 4)], constant_values=0)


def on_squares(digit: np.ndarray) -> np.ndarray:
    paper = np.full((280, 280), 255, np.uint8)
    paper[10::35] = paper[:, 10::35] = 150
    return np.minimum(paper, 255 - enlarge(digit))


def over_a_line(digit: np.ndarray) -> np.ndarray:
    paper = 255 - enlarge(digit)
    paper[236:239] = 0
    return paper


def cropped(digit: np.ndarray) -> np.ndarray:
    return 255 - enlarge(crop(digit))


def red_on_green(digit: np.ndarray) -> np.ndarray:
    ink = enlarge(digit)[..., None] / 255
    return (ink * (200, 32, 32) + (1 - ink) * (32, 115, 32)).astype(np.uint8)


def under_a_bar(digit: np.ndarray) -> np.ndarray:
    screen = 30 + enlarge(digit) // 2
    screen[:14] = 255
    return screen


KINDS = [on_table, in_frame, on_squares, over_a_line, cropped, red_on_green, under_a_bar]


@pytest.mark.parametrize("kind", KINDS)
def test_digits_in_pictures_as_people_have_them_are_read(mnist, recognizer, kind):
    images, labels = mnist[0][:30].numpy(), mnist[1][:30].numpy()
    read = recognizer.predict_images(kind(image) for image in images)
    right = np.array([one.digit for one in read]) == labels
    assert right.mean() > 0.9
    is_sure = np.array([one.verdict == "sure" for one in read])
    assert not (is_sure & ~right).any()


def test_a_picture_that_fills_eight_pixels_is_never_surely_wrong(mnist, recognizer):
    images, labels = mnist[0][:40].numpy(), mnist[1][:40].tolist()
    small = [np.asarray(Image.fromarray(crop(image)).resize((8, 8), 4)) for image in images]
    read = recognizer.predict_images(small)
    assert not any(p.verdict == "sure" and p.digit != n for p, n in zip(read, labels, strict=True))


def test_a_number_in_a_picture_is_divided_into_its_digits(mnist, recognizer):
    labels = mnist[1].tolist()
    digits = [mnist[0][labels.index(digit)].numpy() for digit in (4, 2, 7)]
    found = recognizer.predict_number(255 - enlarge(np.concatenate(digits, 1)))
    assert (found.number, found.verdict, found.advice) == ("427", "sure", ())
    thirds = [int(3 * (left + right) / 2) for left, _, right, _ in found.boxes]
    assert thirds == [0, 1, 2]
    single = recognizer.predict_number(digits[0])
    assert single.digits == (recognizer.predict_image(digits[0]),)
    assert recognizer.predict_number(np.zeros((50, 50), np.uint8)).number == ""


def test_the_ink_of_a_picture_is_looked_for_once(mnist, recognizer, monkeypatch):
    image = 255 - np.concatenate(list(mnist[0][:2].numpy()), 1)
    alone, number = recognizer.predict_image(image), recognizer.predict_number(image)
    looked = []
    monkeypatch.setattr(
        ink, "readings", lambda rgb, find=ink.readings: looked.append(1) or find(rgb)
    )
    assert recognizer.predict_picture(image) == (alone, number)
    answer(recognizer, {"picture": data_url(Image.fromarray(image))})
    assert len(looked) == 2


def in_a_figure(digits: list[np.ndarray]) -> np.ndarray:
    """Bright digits on a dark rectangle, with numbers along two of its sides."""
    picture = np.pad(enlarge(np.concatenate(digits, 1)), 60, constant_values=255)
    for at in range(70, 330, 40):
        picture[at : at + 12, 40:52] = picture[-52:-40, at : at + 12] = 0
    return picture


def in_cells(digits: list[np.ndarray]) -> np.ndarray:
    """Each digit in a cell of a table."""
    picture = np.pad(255 - enlarge(np.concatenate(digits, 1)), 40, constant_values=255)
    for at in range(0, 280 * len(digits) + 1, 280):
        picture[40:320, 40 + at : 43 + at] = 0
    picture[40:43, 40:-37] = picture[320:323, 40:-37] = 0
    return picture


def beside_keys(digits: list[np.ndarray]) -> np.ndarray:
    """Filled rectangles on both sides, as high as the digits."""
    picture = np.pad(255 - enlarge(np.concatenate(digits, 1)), 300, constant_values=255)
    picture[350:530, 100:250] = picture[350:530, -250:-100] = 0
    return picture


@pytest.mark.parametrize(
    ("paint", "labels"),
    [
        (in_a_figure, (8,)),
        (in_cells, (4, 2, 7)),
        (in_cells, (5,)),
        (beside_keys, (3,)),
        (lambda digits: cropped(np.concatenate(digits, 1)), (4, 2, 7)),
        (lambda digits: cropped(np.concatenate(digits, 1)), (1, 7)),
    ],
)
def test_what_is_around_digits_is_no_digit_and_no_digit_is_lost(mnist, recognizer, paint, labels):
    of_mnist = mnist[1].tolist()
    picture = paint([mnist[0][of_mnist.index(label)].numpy() for label in labels])
    found = recognizer.predict_number(picture)
    assert found.number == "".join(map(str, labels))
    assert found.verdict in ("sure", "unsure")


def test_a_digit_of_two_strokes_apart_is_one_digit(recognizer):
    picture = np.full((200, 200), 255, np.uint8)
    picture[60:110, 60:70] = picture[100:110, 60:110] = 0
    picture[50:160, 116:126] = 0  # the second stroke of a 4
    assert recognizer.predict_image(picture).digit == 4
    assert recognizer.predict_number(picture).number == "4"


def test_a_wide_0_is_not_cut(recognizer):
    rows, columns = np.indices((200, 300))
    radius = np.hypot((columns - 150) / 120, (rows - 100) / 70)
    picture = np.where(abs(radius - 1) < 0.1, 0, 255).astype(np.uint8)
    assert recognizer.predict_number(picture).number == "0"


def test_a_picture_of_several_lines_says_so(mnist, recognizer):
    labels = mnist[1].tolist()
    digits = [enlarge(mnist[0][labels.index(digit)].numpy()) for digit in (4, 7)]
    found = recognizer.predict_number(255 - np.concatenate(digits))
    assert (found.verdict, found.advice) == ("unsure", ("several_lines",))


def test_a_digit_among_more_than_can_be_read_is_not_sure(mnist, recognizer):
    found = recognizer.predict_number(
        255 - np.pad(np.concatenate(list(mnist[0][:9].numpy()), 1), 9)
    )
    assert (len(found.digits), found.verdict) == (1, "unsure")


def test_without_opencv_a_picture_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match=r"\[pictures\]"):
        frame_picture(np.eye(50))
