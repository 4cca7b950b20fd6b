"""What lies under and over the ink: paper, light, rules, and what cameras and files do to a picture.

Pictures in the making are (height, width, 3) float32, 0-255; `finish` rounds them to uint8.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from makers.strokes import Coverage

Canvas = NDArray[np.float32]
Colour = tuple[float, float, float]
Rng = np.random.Generator

PENS: dict[str, Colour] = {
    "black": (28, 27, 30),
    "blue": (32, 48, 140),
    "navy": (25, 32, 84),
    "red": (176, 32, 40),
    "green": (24, 104, 60),
    "violet": (92, 40, 130),
    "pencil": (88, 88, 92),
}


def clouds(rng: Rng, height: int, width: int, cells: float = 5) -> Coverage:
    """Smooth random field, mean about 0 and deviation about 1, with roughly `cells` bumps a side."""
    rows, columns = (max(2, round(cells * side / max(height, width)) + 2) for side in (height, width))
    seeds = Image.fromarray(rng.normal(size=(rows, columns)).astype(np.float32))
    return np.asarray(seeds.resize((width, height), Image.Resampling.BICUBIC))


def grain(rng: Rng, height: int, width: int, sigma: float = 0.0) -> Coverage:
    """Fine noise with deviation 1; `sigma` pixels of softness."""
    noise = rng.standard_normal((height, width), dtype=np.float32)
    if sigma:
        noise = ndimage.gaussian_filter(noise, sigma)
        noise /= max(float(noise.std()), 1e-6)
    return noise


def wide_grain(rng: Rng, height: int, width: int, sigma: float = 0.0, *, tile: int = 384) -> Coverage:
    """Grain for large pictures: one tile of it again and again, which nobody sees."""
    if max(height, width) <= tile:
        return grain(rng, height, width, sigma)
    piece = grain(rng, tile, tile, sigma)
    return np.tile(piece, (-(-height // tile), -(-width // tile)))[:height, :width]


def paper(rng: Rng, height: int, width: int, *, colour: Colour | None = None, rough: float = 2.0) -> Canvas:
    """A sheet: near white unless `colour` is given; `rough` is the grain's deviation in grey levels."""
    if colour is None:
        white = rng.uniform(225, 254)
        colour = (white, white - rng.uniform(0, 4), white - rng.uniform(0, 12))
    fibres = rough * 0.7 * wide_grain(rng, height, width, 0.8) + rough * 0.6 * clouds(rng, height, width, 9)
    return np.asarray(colour, np.float32) + fibres[..., None]


def lay(canvas: Canvas, coverage: Coverage, colour: Colour, opacity: float = 1.0) -> Canvas:
    """Ink on paper; both darken the light, as ink does."""
    lost = (np.float32(opacity) * coverage)[..., None] * (1 - np.asarray(colour, np.float32) / 255)
    return canvas * (1 - lost)


def put(coverage: Coverage, height: int, width: int, top: float, left: float) -> Coverage:
    """Coverage placed on an empty sheet; what falls outside is cut off."""
    sheet = np.zeros((height, width), np.float32)
    top, left = round(top), round(left)
    rows, columns = coverage.shape
    r0, r1, c0, c1 = max(top, 0), min(top + rows, height), max(left, 0), min(left + columns, width)
    if r0 < r1 and c0 < c1:
        sheet[r0:r1, c0:c1] = coverage[r0 - top : r1 - top, c0 - left : c1 - left]
    return sheet


def pencil(rng: Rng, coverage: Coverage, strength: float) -> Coverage:
    """Graphite: it misses the paper's valleys, and presses unevenly along the stroke."""
    height, width = coverage.shape
    tooth = np.clip(0.85 + 0.22 * grain(rng, height, width, 0.7), 0.25, 1.15)
    press = np.clip(1 + 0.16 * clouds(rng, height, width, 4), 0.55, 1.3)
    return np.clip(ndimage.gaussian_filter(coverage, 0.5) * tooth * press * strength, 0, 1).astype(np.float32)


def rule(
    height: int, width: int, *, place: float, thickness: float, upright: bool = False, lean: float = 0.0
) -> Coverage:
    """A straight line across the sheet: `place` in pixels from the top (or left), `lean` its rise a pixel."""
    along = np.arange(height if upright else width, dtype=np.float32)
    across = np.arange(width if upright else height, dtype=np.float32)
    middle = place + lean * (along - along.mean())
    far = np.abs(across[:, None] - middle[None, :])
    line = np.clip(thickness / 2 + 0.5 - far, 0, 1)
    return np.ascontiguousarray(line.T if upright else line)


def light(rng: Rng, height: int, width: int, *, depth: float = 0.4) -> Coverage:
    """Factor (about 1-depth to 1) of an uneven lamp: a slope, and perhaps a soft-edged shadow across."""
    angle = rng.uniform(0, 2 * np.pi)
    coarse = max(1, round(max(height, width) / 250))
    rows = np.linspace(-0.5, 0.5, max(2, height // coarse), dtype=np.float32)[:, None]
    columns = np.linspace(-0.5, 0.5, max(2, width // coarse), dtype=np.float32)[None, :]
    way = rows * np.sin(angle) + columns * np.cos(angle)
    factor = 1 - depth * 0.6 * (way + 0.5)
    if rng.random() < 0.6:
        softness = rng.uniform(0.015, 0.15)
        bend = 0.06 * np.sin(6 * (columns * np.sin(angle) - rows * np.cos(angle)) + rng.uniform(0, 6))
        edge = 1 / (1 + np.exp(-(way + bend - rng.uniform(-0.35, 0.35)) / softness))
        factor = factor * (1 - depth * 0.7 * edge)
    lamp = Image.fromarray(factor.astype(np.float32))
    return np.asarray(lamp.resize((width, height), Image.Resampling.BICUBIC))


def finish(canvas: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Rounded to uint8."""
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The picture after one trip through a JPEG file."""
    store = io.BytesIO()
    Image.fromarray(picture).save(store, "JPEG", quality=quality)
    return np.asarray(Image.open(store))


def blur(canvas: Canvas, sigma: float) -> Canvas:
    """Out of focus by `sigma` pixels."""
    return ndimage.gaussian_filter(canvas, (sigma, sigma, 0))


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One channel (ITU-R 601 weights)."""
    return np.asarray(Image.fromarray(picture).convert("L"))
