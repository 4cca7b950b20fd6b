"""Clouds: random height maps by the diamond-square method.

Source: A. Fournier, D. Fussell, L. Carpenter, "Computer rendering of stochastic models", 1982.
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 256
FIRST = 100.0
"""The roughness of the coarsest step; a step's heights vary by its roughness squared."""
TOGETHER = 8
"""Maps made at once: few enough to stay in a core's cache."""

Heights = NDArray[np.float32]


def plasma(count: int, decay: float, random: np.random.Generator) -> Heights:
    """Make height maps (count, 256, 256), each from 0 to 1, that go on at their opposite edges.

    decay: what the roughness is divided by at each finer step; greater is smoother.
    """
    maps = np.zeros((count, SIDE, SIDE), np.float32)
    for start in range(0, count, TOGETHER):
        _fill(maps[start : start + TOGETHER], decay, random)
    return maps


def _fill(maps: Heights, decay: float, random: np.random.Generator) -> None:
    step, roughness = SIDE, FIRST
    while step >= 2:
        _refine(maps, step, np.float32(roughness**2), random)
        step //= 2
        roughness /= decay
    maps -= maps.min(axis=(1, 2), keepdims=True)
    maps /= maps.max(axis=(1, 2), keepdims=True)


def _refine(maps: Heights, step: int, spread: np.float32, random: np.random.Generator) -> None:
    """Give heights to the middles of a grid's squares, then to the middles of their sides."""

    def rough(neighbours: Heights) -> Heights:
        noise = random.random(neighbours.shape, np.float32) * 2 - 1
        return neighbours / 4 + spread * noise

    half = step // 2
    corners = maps[:, ::step, ::step]
    beside = corners + np.roll(corners, -1, 1)
    middles = rough(beside + np.roll(beside, -1, 2))
    maps[:, half::step, half::step] = middles
    maps[:, ::step, half::step] = rough(middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 2))
    maps[:, half::step, ::step] = rough(middles + np.roll(middles, 1, 2) + corners + np.roll(corners, -1, 1))
