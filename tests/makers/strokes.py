"""From an MNIST image to ink of any size: its outline enlarged, or its skeleton drawn again with a pen.

A `coverage` is (height, width) float32, 0 where there is paper and 1 where there is ink. `strokes` are
lists of (points, 2) arrays of x, y in the image's own pixels.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Coverage = NDArray[np.float32]
Strokes = list[NDArray[np.float64]]

FINENESS = 3  # skeletons are taken at three times MNIST's resolution


def affine(
    height: float, *, slant: float = 0.0, turn: float = 0.0, aspect: float = 1.0, span: float = 20.0
) -> NDArray[np.float64]:
    """The (2, 2) matrix that takes image pixels to picture pixels; `slant` and `turn` in degrees."""
    scale = height / span
    lean = np.array([[1.0, -np.tan(np.radians(slant))], [0.0, 1.0]])
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return np.array([[cos, sin], [-sin, cos]]) @ lean @ np.diag([scale * aspect, scale])


def trim(coverage: Coverage, level: float = 0.1) -> Coverage:
    """The smallest box that holds all ink."""
    rows, columns = np.flatnonzero((coverage > level).any(1)), np.flatnonzero((coverage > level).any(0))
    if len(rows) == 0:
        return coverage
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def enlarge(image: NDArray[np.uint8], matrix: NDArray[np.float64], weight: float = 0.0) -> Coverage:
    """The image's outline, redrawn sharp at another size; a positive `weight` (-0.25 to 0.3) is bolder."""
    soft = ndimage.gaussian_filter(np.pad(image, 4).astype(np.float32) / 255, 0.55)
    corners = np.array([[-18, -18], [18, -18], [18, 18], [-18, 18]]) @ matrix.T
    size = np.ceil(np.ptp(corners, axis=0)).astype(int) + 1
    inverse = np.linalg.inv(matrix)
    offset = np.array([17.5, 17.5]) + 0.5 - inverse @ (size / 2)
    plane = Image.fromarray(soft, mode=None).transform(
        (int(size[0]), int(size[1])),
        Image.Transform.AFFINE,
        (*inverse[0], offset[0], *inverse[1], offset[1]),
        Image.Resampling.BICUBIC,
    )
    steep = max(1.0, float(np.sqrt(abs(np.linalg.det(matrix)))) / 0.8)
    return trim(np.clip((np.asarray(plane) - 0.45 + weight) * steep + 0.5, 0, 1).astype(np.float32))


def _removable(first: bool) -> NDArray[np.bool_]:
    """For each of the 256 neighbourhoods (bit k: the k-th neighbour clockwise from above), may it go?"""
    table = np.zeros(256, bool)
    for code in range(256):
        p = [bool(code >> k & 1) for k in range(8)]
        turns = sum(not p[k] and p[(k + 1) % 8] for k in range(8))
        if first:
            open_side = not (p[0] and p[2] and p[4]) and not (p[2] and p[4] and p[6])
        else:
            open_side = not (p[0] and p[2] and p[6]) and not (p[0] and p[4] and p[6])
        table[code] = 2 <= sum(p) <= 6 and turns == 1 and open_side
    return table


_TABLES = (_removable(True), _removable(False))
_AROUND = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))


def thin(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Skeleton one pixel wide (Zhang and Suen, 1984)."""
    rows, columns = shape.shape
    framed = np.pad(shape, 1).astype(np.uint8)
    inside = framed[1:-1, 1:-1]
    before = -1
    while before != (before := int(inside.sum())):
        for table in _TABLES:
            code = np.zeros(shape.shape, np.uint8)
            for k, (r, c) in enumerate(_AROUND):
                code |= framed[r : r + rows, c : c + columns] << k
            inside &= ~table[code]
    return inside.astype(bool)


def _links(shape: NDArray[np.bool_]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Each skeleton pixel's neighbours; a diagonal that two straight steps already make is left out."""
    pixels = {(int(r), int(c)) for r, c in np.argwhere(shape)}
    links = {}
    for r, c in pixels:
        near = [
            (r + dr, c + dc) for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)) if (r + dr, c + dc) in pixels
        ]
        for dr, dc in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            corner = (r + dr, c + dc)
            if corner in pixels and (r + dr, c) not in pixels and (r, c + dc) not in pixels:
                near.append(corner)
        links[(r, c)] = near
    return links


def _walk(links: dict[tuple[int, int], list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    """Paths between ends and junctions; a loop without either starts anywhere."""
    nodes = [p for p, near in links.items() if len(near) != 2]
    used: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    paths = []
    for start in [*sorted(nodes), *sorted(links)]:
        if start not in nodes and any((start, near) in used for near in links[start]):
            continue
        for step in links[start]:
            if (start, step) in used:
                continue
            path = [start]
            here = step
            used |= {(start, here), (here, start)}
            path.append(here)
            while len(links[here]) == 2 and here != start:
                after = next((p for p in links[here] if (here, p) not in used), None)
                if after is None:
                    break
                used |= {(here, after), (after, here)}
                path.append(after)
                here = after
            paths.append(path)
    return paths


@lru_cache(maxsize=4096)
def _skeleton(raw: bytes) -> tuple[NDArray[np.float64], ...]:
    image = np.frombuffer(raw, np.uint8).reshape(28, 28)
    fine = Image.fromarray(image).resize((28 * FINENESS, 28 * FINENESS), Image.Resampling.BICUBIC)
    shape = ndimage.gaussian_filter(np.asarray(fine, np.float32), 1.6) > 95
    paths = _walk(_links(thin(shape)))
    ends: dict[tuple[int, int], int] = {}
    for path in paths:
        for end in (path[0], path[-1]):
            ends[end] = ends.get(end, 0) + 1
    smooth = []
    for path in paths:
        loose = (ends[path[0]] == 1) != (ends[path[-1]] == 1)
        if loose and len(path) < 2.6 * FINENESS:
            continue  # a spur: the corner of a thick stroke, not a stroke
        points = np.array(path, np.float64)[:, ::-1]
        if len(points) > 4:
            closed = path[0] == path[-1]
            eased = ndimage.gaussian_filter1d(points, 2.2, axis=0, mode="wrap" if closed else "nearest")
            if closed:
                eased[-1] = eased[0]
            else:
                eased[0], eased[-1] = points[0], points[-1]
            points = eased[np.unique(np.r_[np.arange(0, len(eased), 2), len(eased) - 1])]
        smooth.append((points + 0.5) / FINENESS)
    return tuple(smooth)


def trace(image: NDArray[np.uint8]) -> Strokes:
    """The pen's way through a (28, 28) image, bright ink on dark."""
    return [points.copy() for points in _skeleton(np.ascontiguousarray(image).tobytes())]


@lru_cache(maxsize=4096)
def _faithful(raw: bytes) -> bool:
    image = np.frombuffer(raw, np.uint8).reshape(28, 28)
    inside = ndimage.distance_transform_edt(np.pad(image > 110, 1))[1:-1, 1:-1]
    points = np.concatenate(_skeleton(raw) or (np.zeros((1, 2)),))
    there = np.clip(points.astype(int), 0, 27)
    halves = inside[there[:, 1], there[:, 0]]
    if inside.max() > 1.35 * np.median(halves) + 0.6:
        return False
    pen = max(1.5, 2 * float(np.median(halves)) - 0.6)
    canvas = Image.new("L", (112, 112))
    hand = ImageDraw.Draw(canvas)
    for stroke in _skeleton(raw):
        hand.line([tuple(p) for p in (stroke * 4).tolist()], fill=255, width=round(pen * 4), joint="curve")
    again = np.asarray(canvas.reduce(4)) > 110
    return _holes(again) == _holes(image > 110)


def _holes(shape: NDArray[np.bool_]) -> int:
    return int(ndimage.label(~np.pad(shape, 1))[1]) - 1


def faithful(image: NDArray[np.uint8]) -> bool:
    """Whether the skeleton keeps the digit: no loop filled with ink, no hole lost or gained."""
    return _faithful(np.ascontiguousarray(image).tobytes())


def move(strokes: Strokes, matrix: NDArray[np.float64]) -> Strokes:
    """Strokes under a (2, 2) matrix."""
    return [points @ matrix.T for points in strokes]


def draw(
    strokes: Strokes, width: float | Sequence[float], *, square: bool = False, smooth: int = 4
) -> Coverage:
    """Strokes drawn with a pen of `width` picture pixels (or one a stroke), round unless `square`."""
    widths = [float(width)] * len(strokes) if isinstance(width, (int, float)) else list(width)
    everything = np.concatenate(strokes)
    margin = max(widths) / 2 + 1
    low = everything.min(0) - margin
    size = np.ceil(everything.max(0) + margin - low).astype(int)
    smooth = smooth if size.max() < 300 else 2 if size.max() < 900 else 1
    plane = Image.new("L", (int(size[0]) * smooth, int(size[1]) * smooth))
    pen = ImageDraw.Draw(plane)
    for points, wide in zip(strokes, widths, strict=True):
        places = (points - low) * smooth
        half = wide * smooth / 2
        flat = [tuple(p) for p in places.tolist()]
        if len(flat) > 1:
            pen.line(flat, fill=255, width=max(1, round(half * 2)), joint=None if square else "curve")
        if half > 0.8:
            shape = pen.rectangle if square else pen.ellipse
            for x, y in flat if not square else (flat[0], flat[-1]):
                shape((x - half, y - half, x + half, y + half), fill=255)
    return trim(np.asarray(plane.reduce(smooth) if smooth > 1 else plane, np.float32) / 255)


def put_inside(
    coverage: Coverage, rng: np.random.Generator, height: int, width: int, *, centred: float = 0.0
) -> Coverage:
    """Coverage somewhere on an empty sheet, whole; `centred` (0-1) pulls it to the middle."""
    rows, columns = coverage.shape
    sheet = np.zeros((max(height, rows), max(width, columns)), np.float32)
    free = np.array(sheet.shape) - (rows, columns)
    top, left = np.rint(free * (centred * 0.5 + (1 - centred) * rng.random(2))).astype(int)
    sheet[top : top + rows, left : left + columns] = coverage
    return sheet
