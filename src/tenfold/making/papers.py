"""What lines are written on and what happens to them: patterns, rules, stains, cameras, compression."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)

_ROWS, _COLUMNS = 96, 1024  # of a pattern
_WARP_ROWS, _WARP_COLUMNS = 64, 1024


@dataclass(frozen=True, eq=False)
class Papers:
    """Made once, then cut from at random: what a line costs is a copy.

    patterns: (96, 1024) uint8 each, bright where printed; noise: (256, 2048) int16, standard deviation 64;
    clouds: (96, 1024) uint8 each, smooth; warps: (64, 1024, 2) float32 each, smooth, standard deviation 1.
    """

    patterns: tuple[Ink, ...] = field(repr=False)
    noise: NDArray[np.int16] = field(repr=False)
    clouds: tuple[Ink, ...] = field(repr=False)
    warps: tuple[NDArray[np.float32], ...] = field(repr=False)


def make_papers(seed: int, patterns: int = 120, smooth: int = 24) -> Papers:
    """The same papers for the same seed."""
    generator = np.random.default_rng([seed, 0x7A9E])
    noise = generator.normal(0, 64, (256, 2048)).astype(np.int16)
    clouds = tuple(_cloud(generator, _ROWS, _COLUMNS) for _ in range(smooth))
    warps = tuple(_warp(generator) for _ in range(smooth))
    return Papers(tuple(_pattern(generator) for _ in range(patterns)), noise, clouds, warps)


def _smooth(generator: np.random.Generator, rows: int, columns: int, grain: float) -> NDArray[np.float32]:
    """(rows, columns) of smooth noise with features of about `grain` pixels, standard deviation 1."""
    small = generator.normal(size=(max(3, int(rows / grain) + 2), max(3, int(columns / grain) + 2)))
    large = cv2.resize(small.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large / max(float(large.std()), 1e-3), np.float32)


def _cloud(generator: np.random.Generator, rows: int, columns: int) -> Ink:
    grain = float(generator.uniform(6, 60))
    return (128 + 50 * _smooth(generator, rows, columns, grain)).clip(0, 255).astype(np.uint8)


def _warp(generator: np.random.Generator) -> NDArray[np.float32]:
    grain = float(generator.uniform(7, 28))
    return np.stack([_smooth(generator, _WARP_ROWS, _WARP_COLUMNS, grain) for _ in range(2)], 2)


def _pattern(generator: np.random.Generator) -> Ink:
    """One printed pattern: line systems, rosettes, weave, grain, fine print, or two of them together."""
    kinds = (_waves, _waves, _rosettes, _rosettes, _weave, _grain, _print, _grid)
    printed = kinds[generator.integers(len(kinds))](generator)
    if generator.random() < 0.35:
        printed = np.maximum(
            printed, kinds[generator.integers(len(kinds))](generator) * generator.uniform(0.4, 1)
        )
    blurred = cv2.GaussianBlur(printed, (0, 0), float(generator.uniform(0.3, 1.0)))
    return (255 * blurred / max(float(np.percentile(blurred, 99.5)), 0.05)).clip(0, 255).astype(np.uint8)


def _axes(generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.mgrid[:_ROWS, :_COLUMNS].astype(np.float32)
    bend = float(generator.uniform(0, 9))
    grain = float(generator.uniform(12, 90))
    bent = [_smooth(generator, _ROWS, _COLUMNS, grain) * bend for _ in range(2)]
    return x + bent[0], y + bent[1]


def _lines(phase: NDArray[np.float32], thickness: float) -> NDArray[np.float32]:
    """Lines where the phase is a whole number; thickness as a share of the period."""
    away = np.abs(phase - np.round(phase))
    return np.asarray((1.3 - away / thickness).clip(0, 1), np.float32)


def _waves(generator: np.random.Generator) -> NDArray[np.float32]:
    x, y = _axes(generator)
    angle = float(generator.normal(0, 0.5)) if generator.random() < 0.7 else float(generator.uniform(0, 3.2))
    period = float(generator.uniform(2.5, 9))
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    swing = float(generator.uniform(0, 1.2)) * np.sin(along * 6.28 / float(generator.uniform(8, 80)))
    return _lines(np.asarray(across / period + swing, np.float32), float(generator.uniform(0.1, 0.3)))


def _rosettes(generator: np.random.Generator) -> NDArray[np.float32]:
    printed = np.zeros((_ROWS, _COLUMNS), np.float32)
    for _ in range(generator.integers(1, 4)):
        x, y = _axes(generator)
        step, period = float(generator.uniform(40, 160)), float(generator.uniform(3, 9))
        cx, cy = (x + generator.uniform(0, step)) % step - step / 2, y - float(generator.uniform(-20, 116))
        radius = np.sqrt(cx * cx * float(generator.uniform(0.4, 2)) + cy * cy)
        petals = float(generator.uniform(0, 5)) * np.sin(generator.integers(3, 14) * np.arctan2(cy, cx))
        rings = _lines(
            np.asarray((radius + petals) / period, np.float32), float(generator.uniform(0.08, 0.25))
        )
        printed = np.maximum(printed, rings)
    return printed


def _weave(generator: np.random.Generator) -> NDArray[np.float32]:
    x, y = _axes(generator)
    periods = generator.uniform(2, 6, 2)
    woven = np.sin(x * 6.28 / periods[0]) * np.sin(y * 6.28 / periods[1])
    rough = generator.normal(0, float(generator.uniform(0.2, 0.9)), woven.shape)
    return np.asarray((woven + rough).clip(0, 2) / 2, np.float32)


def _grain(generator: np.random.Generator) -> NDArray[np.float32]:
    grain = float(generator.uniform(1, 5))
    return np.asarray(
        (_smooth(generator, _ROWS, _COLUMNS, grain) - generator.uniform(-0.5, 1)).clip(0, 2), np.float32
    )


def _print(generator: np.random.Generator) -> NDArray[np.float32]:
    """Rows of strokes too small to read."""
    printed = np.zeros((_ROWS, _COLUMNS), np.float32)
    height = int(generator.integers(3, 8))
    spans = generator.random((_ROWS // height + 1, _COLUMNS // 2)) < 0.5
    for row, span in enumerate(spans):
        top = int(row * height * 1.6)
        if top + height <= _ROWS:
            columns = np.repeat(span, 2)[:_COLUMNS]
            rough = generator.random((height, _COLUMNS)) < 0.6
            printed[top : top + height] = columns * rough
    return printed


def _grid(generator: np.random.Generator) -> NDArray[np.float32]:
    x, y = (
        _axes(generator) if generator.random() < 0.2 else np.mgrid[:_ROWS, :_COLUMNS].astype(np.float32)[::-1]
    )
    period = float(generator.uniform(7, 26))
    lines = _lines(np.asarray(y / period, np.float32), 0.7 / period * float(generator.uniform(0.7, 1.6)))
    if generator.random() < 0.6:
        lines = np.maximum(lines, _lines(np.asarray(x / period, np.float32), 0.8 / period))
    return lines


def cut(sheet: NDArray[T], rows: int, columns: int, random: Random) -> NDArray[T]:
    """A window (rows, columns) at random; a sheet that is too narrow is repeated."""
    if sheet.shape[1] < columns:
        sheet = np.concatenate([sheet] * (columns // sheet.shape[1] + 1), axis=1)
    top = random.randint(0, sheet.shape[0] - rows)
    left = random.randint(0, sheet.shape[1] - columns)
    return sheet[top : top + rows, left : left + columns]


def _bytes(values: Any) -> Ink:
    return np.asarray(values, np.uint8)


def bend(ink: Ink, papers: Papers, random: Random, amount: float, climb: float) -> Ink:
    """Move the ink by smooth noise of `amount` pixels, and along a line that climbs by `climb` a pixel."""
    rows, columns = ink.shape
    shift = cut(random.choice(papers.warps), rows, columns, random).reshape(rows, columns, 2)
    across = np.arange(columns, dtype=np.float32)
    x = shift[..., 0] * np.float32(amount) + across
    y = shift[..., 1] * np.float32(amount) + np.arange(rows, dtype=np.float32)[:, None]
    y += (across - columns / 2) * np.float32(climb)
    return np.asarray(cv2.remap(ink, x, y, cv2.INTER_LINEAR), np.uint8)


def lay_on_paper(ink: Ink, papers: Papers, random: Random, strength: float) -> Ink:
    """Ink of `strength` 0-255 over a pattern, shade and grain: what is left after the paper was flattened."""
    rows, columns = ink.shape
    value = _bytes(cv2.convertScaleAbs(ink, alpha=strength / 255))
    if random.random() < 0.5:  # a pen that does not press evenly
        cloud = cut(random.choice(papers.clouds), rows, columns, random)
        weight = random.uniform(0.1, 0.5)
        press = cv2.convertScaleAbs(cloud, alpha=weight, beta=255 * (1 - weight) - 10)
        value = _bytes(cv2.multiply(value, press, scale=1 / 235))
    if random.random() < 0.7:
        value = _printed_on(value, papers, random, strength)
    if random.random() < 0.3:
        stain = cut(random.choice(papers.clouds), rows, columns, random)
        shade = cv2.convertScaleAbs(stain, alpha=random.uniform(0, 0.35) * strength / 255)
        value = _bytes(cv2.add(value, shade))
    return value


def _printed_on(value: Ink, papers: Papers, random: Random, strength: float) -> Ink:
    rows, columns = value.shape
    zoom = random.choice((1.0, 1.0, 0.75, 1.4))
    pattern = cut(random.choice(papers.patterns), min(_ROWS, int(rows * zoom)), int(columns * zoom), random)
    if zoom != 1:
        pattern = _bytes(cv2.resize(pattern, (columns, rows), interpolation=cv2.INTER_AREA))
    if random.random() < 0.5:
        pattern = pattern[:, ::-1]
    share = random.uniform(0.05, 0.5) ** 1.4
    pattern = _bytes(cv2.convertScaleAbs(pattern, alpha=share * strength / 255))
    if random.random() < 0.6:  # the pattern shows through
        return _bytes(cv2.add(value, pattern))
    return _bytes(cv2.max(value, pattern))


def wear(value: Ink, papers: Papers, random: Random, height: float) -> Ink:
    """Blur, low resolution, grain, compression and a bent tone curve, each sometimes.

    height: of the digits in pixels; they stay large enough to be read.
    """
    rows, columns = value.shape
    if random.random() < 0.45:
        scale = random.uniform(min(0.9, 13 / height), 0.95)
        small = (max(4, round(columns * scale)), max(8, round(rows * scale)))
        value = _bytes(cv2.resize(value, small, interpolation=cv2.INTER_AREA))
    if random.random() < 0.45:
        value = _bytes(cv2.GaussianBlur(value, (0, 0), random.uniform(0.35, max(0.6, height / 28))))
    if random.random() < 0.55:
        grain = cut(papers.noise, value.shape[0], value.shape[1], random)
        level = random.uniform(0, 1) ** 2 * 20 / 64
        value = (value + grain * np.float32(level)).clip(0, 255).astype(np.uint8)
    if random.random() < 0.25:
        quality = [cv2.IMWRITE_JPEG_QUALITY, random.randint(25, 90)]
        _, content = cv2.imencode(".jpg", value, quality)
        value = _bytes(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))
    if value.shape != (rows, columns):
        how = random.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC))
        value = _bytes(cv2.resize(value, (columns, rows), interpolation=how))
    if random.random() < 0.4:
        table = 255 * np.linspace(0, 1, 256) ** (2 ** random.uniform(-0.7, 0.7))
        value = _bytes(cv2.LUT(value, table.astype(np.uint8)))
    return value
