"""Plane geometry between a crop and the user's picture: 3x3 homographies on pixel centres.

A point (x, y) has x to the right and y down; (0, 0) is the middle of the first pixel. A matrix named
`a_to_b` takes points of a to points of b, so `b_to_c @ a_to_b` takes a to c.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.answers import Polygon

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


def shifting(x: float, y: float) -> Matrix:
    """Points move by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def scaling(x: float, y: float | None = None) -> Matrix:
    """Pixels grow by a factor, as in resizing: the first pixel's corner stays, not its middle."""
    y = x if y is None else y
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def rotating(degrees: float) -> Matrix:
    """Points turn clockwise as seen (x right, y down) about (0, 0)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float64)


def turning(size: tuple[int, int], quarters: int) -> Matrix:
    """What `numpy.rot90(picture, quarters)` does to points of a picture of `size` (width, height)."""
    width, height = size
    matrix = np.eye(3)
    for _ in range(quarters % 4):
        matrix = np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]], np.float64) @ matrix
        width, height = height, width
    return matrix


def move(matrix: Matrix, points: Points) -> Points:
    """Points (n, 2) taken through a homography."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    lifted = points @ matrix[:, :2].T + matrix[:, 2]
    depth = np.where(np.abs(lifted[:, 2:]) < 1e-12, 1e-12, lifted[:, 2:])
    return np.asarray(lifted[:, :2] / depth)


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value in the middle, where each counts by its weight; 0 where there is none."""
    if not len(values):
        return 0.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def polygon(matrix: Matrix, box: tuple[float, float, float, float], size: tuple[int, int]) -> Polygon:
    """The corners of a box of a crop (left, top, right, bottom) in the user's picture, kept inside it.

    matrix: from crop to picture. size: the picture's width and height.
    """
    left, top, right, bottom = box
    corners = move(matrix, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    inside = np.clip(corners, 0, np.array(size) - 1.0)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in inside)


def from_corners(corners: Points, size: tuple[float, float]) -> Matrix:
    """The homography that takes four corners, from the top left, to a rectangle of width and height."""
    width, height = size
    target = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(np.asarray(corners, np.float32), target), np.float64)
