"""A flat sheet with marked places, seen by a scanner or a telephone: turned, tilted, in poor light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from makers import paper as sheet

Rng = np.random.Generator
Quad = tuple[tuple[float, float], ...]
Picture = NDArray[np.uint8]


def homography(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (3, 3) matrix that takes four points `here` to four points `there`."""
    rows = []
    for (x, y), (u, v) in zip(here, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), there.reshape(-1)), 1.0).reshape(3, 3)


def carry(quads: list[Quad], matrix: NDArray[np.float64]) -> list[Quad]:
    """Quads under a homography."""
    moved = []
    for quad in quads:
        points = np.column_stack([np.array(quad), np.ones(len(quad))]) @ matrix.T
        moved.append(tuple((float(x / w), float(y / w)) for x, y, w in points))
    return moved


def lay_on(
    picture: Picture, quads: list[Quad], corners: NDArray[np.float64], under: Picture
) -> tuple[Picture, list[Quad]]:
    """The picture with its corners (top left, top right, bottom right, bottom left) at `corners`."""
    height, width = picture.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    matrix = homography(flat, corners)
    back = np.linalg.inv(matrix)
    back /= back[2, 2]
    size = (under.shape[1], under.shape[0])
    way = tuple(back.reshape(-1)[:8])
    lifted = Image.fromarray(np.dstack([picture, np.full((height, width), 255, np.uint8)]))
    seen = lifted.transform(size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BILINEAR)
    table = Image.fromarray(under)
    table.paste(seen.convert("RGB"), mask=seen.getchannel("A"))
    return np.asarray(table), carry(quads, matrix)


def quarter_turns(picture: Picture, quads: list[Quad], turns: int) -> tuple[Picture, list[Quad]]:
    """Turned by `turns` quarter turns to the left."""
    for _ in range(turns % 4):
        width = picture.shape[1]
        picture = np.rot90(picture)
        quads = [tuple((y, width - x) for x, y in quad) for quad in quads]
    return np.ascontiguousarray(picture), quads


def skewed(picture: Picture, quads: list[Quad], rng: Rng, degrees: float) -> tuple[Picture, list[Quad]]:
    """Fed into the scanner at an angle; behind the sheet is the scanner's lid, white, grey or black."""
    height, width = picture.shape[:2]
    turn = np.radians(degrees)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    half = np.array([width, height]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ spin.T
    size = np.ceil(np.ptp(corners, axis=0) * rng.uniform(0.99, 1.02)).astype(int)
    lid = np.full((size[1], size[0], 3), rng.choice([252, 252, 235, 190, 40]), np.uint8)
    return lay_on(picture, quads, corners + size / 2, lid)


def table(rng: Rng, height: int, width: int) -> Picture:
    """A desk darker than paper: wood, cloth or plain."""
    base = np.asarray(
        [(120, 84, 56), (84, 60, 44), (70, 74, 80), (50, 62, 58), (150, 128, 104)][rng.integers(5)]
    )
    ground = 7 * sheet.clouds(rng, height, width, 5) + 3 * sheet.wide_grain(rng, height, width)
    if base[0] > base[2] + 20:
        rows = np.arange(height, dtype=np.float32)[:, None]
        wander = 10 * sheet.clouds(rng, height, width, 2)
        ground = ground + 6 * np.sin((rows + wander) * rng.uniform(0.08, 0.25)).astype(np.float32)
    return sheet.finish(base.astype(np.float32) + ground[..., None])


def on_table(picture: Picture, quads: list[Quad], rng: Rng, turn: float = 4.0) -> tuple[Picture, list[Quad]]:
    """The sheet lying on a table, seen a little from one side; `turn` is the deviation in degrees."""
    height, width = picture.shape[:2]
    margin = rng.uniform(0.05, 0.16)
    size = np.array([width, height]) * (1 + 2 * margin)
    half = np.array([width, height]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float) * half
    angle = np.radians(np.clip(rng.normal(0, turn), -2 * turn, 2 * turn))
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    far = rng.uniform(0, 0.10)
    away = rng.integers(4)  # the side that lies farther off looks shorter
    corners[[away, (away + 1) % 4]] *= 1 - far
    corners += rng.normal(0, 0.008, (4, 2)) * half
    corners = corners @ spin.T
    corners *= min(1.0, *(size / np.ptp(corners, axis=0) * 0.97))
    centre = size / 2 + rng.uniform(-0.3, 0.3, 2) * (size - np.ptp(corners, axis=0))
    under = table(rng, int(size[1]), int(size[0]))
    return lay_on(picture, quads, corners + centre, under)


def photograph(
    picture: Picture, rng: Rng, *, depth: float = 0.4, noise: float = 4.0, soft: float = 0.7
) -> Picture:
    """Uneven light, a tint, softness, noise and JPEG."""
    height, width = picture.shape[:2]
    cast = np.clip(1 + rng.normal(0, 0.03, 3), 0.9, 1.1).astype(np.float32)
    canvas = picture * (sheet.light(rng, height, width, depth=depth)[..., None] * cast)
    canvas += noise * sheet.wide_grain(rng, height, width, 0.5)[..., None]
    shown = Image.fromarray(sheet.finish(canvas))
    if soft:
        shown = shown.filter(ImageFilter.GaussianBlur(soft))
    return sheet.jpeg(np.asarray(shown), int(rng.integers(55, 92)))
