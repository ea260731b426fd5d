"""A picture -> the ink that may be its digit, in several readings of which a network is the judge.

Whether the ink is dark or bright, how the light falls, and what is a sheet's edge, a shadow or a
ruled line can't be told for certain from the pixels alone. So a picture gives a few readings.
"""

from dataclasses import dataclass

import numpy as np

# Pictures are looked at in this size.
WORKING_SIDE = 256
MIN_SIDE = 64
# Ink that stands out less from its paper, of the way from black to white, is taken for none.
MIN_CONTRAST = 0.06


@dataclass(frozen=True)
class Ink:
    """One reading of a picture.

    values: (h, w) float32, paper 0, full ink 1; labels: (h, w) int32, which part each pixel
    belongs to, 0 for none; boxes: of each part left, top, right, bottom; kind: how it was found.
    """

    values: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    kind: str
    full: float = 0


def readings(rgb: np.ndarray) -> list[Ink]:
    """(h, w, 3) uint8 -> what may be its ink, in several readings."""
    grey = _grey(_working_size(rgb))
    found = []
    for bright in (False, True):
        dark = 1 - grey if bright else grey
        side = max(grey.shape)
        for kind, ink in (("wide", _stand_out(dark, side * 2 // 5, not bright)),
                     ("even", _even(dark))):
            reading = _select(ink, f"{kind} {'bright' if bright else 'dark'}", kind == "even")
            if reading is not None:
                found.append(reading)
    return found


def _working_size(rgb: np.ndarray) -> np.ndarray:
    import cv2

    scale = WORKING_SIDE / max(rgb.shape[:2])
    if scale < 1:
        size = [max(1, round(scale * n)) for n in rgb.shape[1::-1]]
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    scale = MIN_SIDE / max(rgb.shape[:2])
    if scale > 1:
        k = int(np.ceil(scale))
        size = [k * n for n in rgb.shape[1::-1]]
        return cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
    return rgb


def _grey(rgb: np.ndarray) -> np.ndarray:
    import cv2

    colour = rgb.astype(np.float32) / 255
    grey = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    window = max(3, max(grey.shape) // 4)
    local = (colour - cv2.blur(colour, (window, window))).reshape(-1, 3)
    spread, axes = np.linalg.eigh(np.cov(local.T.astype(np.float64)) + 1e-9 * np.eye(3))
    grey_local = grey - cv2.blur(grey, (window, window))
    if grey_local.std() > 0.35 * np.sqrt(spread[-1]):
        return grey
    along = colour @ axes[:, -1].astype(np.float32)
    return along - along.min()


def _stand_out(dark, window, ratio):
    """How much darker than the paper each pixel is; the paper's light may change."""
    import cv2

    window |= 1
    kernel = np.ones((window, window), np.uint8)
    smooth = cv2.medianBlur(np.ascontiguousarray(dark), 3)
    margin = window
    beyond = np.minimum(
        np.pad(smooth, margin, mode="edge"),
        np.pad(smooth, margin, mode="reflect", reflect_type="odd") if min(dark.shape) > margin else np.inf,
    )
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    paper = closed[margin:-margin, margin:-margin]
    ink = (paper - dark) / np.maximum(paper, 0.3) if ratio else paper - dark
    return ink - np.median(ink)


def _even(dark):
    paper = np.quantile(dark, 0.95)
    return paper - dark


def _select(ink, kind, keep_all):
    import cv2

    if ink.max() < MIN_CONTRAST:
        return None
    level = max(_otsu(ink), 0)
    strong = ink[ink > level]
    noise = 0 if keep_all else np.sqrt(np.mean(np.minimum(ink, 0) ** 2) * 2)
    full = np.quantile(strong, 0.75)
    mask = ink > max(3 * noise, 0.35 * full)
    if not keep_all:
        mask = _without_lines(mask)
    labels, boxes, areas = _components(mask)
    chosen = _digit(ink, labels, boxes, areas, keep_all)
    if not len(chosen):
        return None
    mine = np.isin(labels, chosen)
    full = np.quantile(ink[mine], 0.6)
    if full < MIN_CONTRAST:
        return None
    reach = max(1, max(ink.shape) // 80)
    near = cv2.dilate(mine.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    others = (labels > 0) & ~mine
    values = np.where(near & ~others & (ink > 3 * noise), np.minimum(ink / full, 1), 0).astype(np.float32)
    return Ink(values, labels, boxes, kind, float(full))


def _components(mask):
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    left, top, width, height, area = stats.T
    return labels, np.stack([left, top, left + width, top + height], 1), area


def _without_lines(mask):
    """Ink without thin strokes from edge to edge."""
    import cv2

    mask = mask.astype(np.uint8)
    for turn in (False, True):
        m = np.ascontiguousarray(mask.T if turn else mask)
        h, w = m.shape
        thick = max(2, max(h, w) // 40)
        # runs down each column no longer than a line is thick
        thin = m & ~cv2.morphologyEx(m, cv2.MORPH_OPEN, np.ones((thick + 1, 1), np.uint8))
        joined = cv2.dilate(thin, np.ones((3, 1), np.uint8))
        joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((1, w // 3 | 1), np.uint8))
        long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, w // 4), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=8)
        spanning = np.flatnonzero((stats[:, cv2.CC_STAT_WIDTH] > 0.9 * w) & (np.arange(count) > 0))
        line = np.isin(labels, spanning).astype(np.uint8)
        m = m & ~(thin & line)
        mask = m.T if turn else m
    return np.ascontiguousarray(mask) > 0


def _digit(ink, labels, boxes, areas, keep_all):
    h, w = labels.shape
    index = np.arange(1, len(areas))
    if not len(index):
        return index
    left, top, right, bottom = boxes.T
    big = np.maximum(right - left, bottom - top)
    if keep_all:
        return index[areas[1:] > 0.02 * areas[1:].max()]
    touches = (left <= 0) | (top <= 0) | (right >= w) | (bottom >= h)
    inside = [i for i in index if not touches[i]]
    solid = [i for i in inside if big[i] > 0.08 * max(h, w) and not _is_frame(i, labels, boxes)]
    if not solid:
        solid = [i for i in index if touches[i]]
        if not solid:
            return np.array([], int)
        pool = list(index)
    else:
        pool = inside
    main = max(solid, key=lambda i: areas[i])
    x0, y0, x1, y1 = boxes[main]
    strength = {i: ink[labels == i].mean() for i in pool}
    reach = 0.25 * max(x1 - x0, y1 - y0)
    chosen = [
        i for i in pool
        if i == main or (
            areas[i] > 0.03 * areas[main]
            and left[i] > x0 - reach and right[i] < x1 + reach and top[i] > y0 - reach / 2 and bottom[i] < y1 + reach / 2
            and strength[i] > 0.6 * strength[main]
            and not _is_frame(i, labels, boxes))
    ]
    return np.array(chosen)


def _is_frame(i, labels, boxes):
    """Whether a part is a ring of straight sides with other parts in it."""
    x0, y0, x1, y1 = boxes[i]
    part = labels[y0:y1, x0:x1] == i
    dy, dx = max(1, (y1 - y0) // 6), max(1, (x1 - x0) // 6)
    return part.sum() > 8 and part[dy:-dy, dx:-dx].sum() < 0.05 * part.sum() and min(x1 - x0, y1 - y0) > 0.4 * max(labels.shape)


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
