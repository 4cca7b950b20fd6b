"""Small labelled sets of images, and the files of every kind that hold them."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image

from tenfold.data import Split


def make_split(n: int = 40, classes: int = 10, seed: int = 0) -> Split:
    """Random images, the labels 0, 1, 2, ... over and over: no two images alike."""
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (n, 28, 28), np.uint8), np.arange(n) % classes)


def save_npz(path: Path, train: Split, test: Split | None = None, **changes: object) -> Path:
    arrays: dict[str, object] = {"x_train": train.images, "y_train": train.labels}
    if test is not None:
        arrays |= {"x_test": test.images, "y_test": test.labels}
    arrays |= changes
    np.savez_compressed(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def idx_bytes(array: np.ndarray) -> bytes:
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.astype(np.uint8).tobytes()


def save_idx(folder: Path, name: str, split: Split, *, dot: bool = False, gz: bool = False) -> Path:
    """Save `name`-images-idx3-ubyte and its labels; give the path of the images."""
    folder.mkdir(exist_ok=True)
    paths = []
    for kind, axes, array in (("images", 3, split.images), ("labels", 1, split.labels)):
        path = folder / f"{name}-{kind}{'.' if dot else '-'}idx{axes}-ubyte{'.gz' if gz else ''}"
        path.write_bytes(gzip.compress(idx_bytes(array)) if gz else idx_bytes(array))
        paths.append(path)
    return paths[0]


def csv_text(split: Split, header: str | None = None, labels: bool = True) -> str:
    if header is None:
        header = ",".join(["label"] * labels + [f"pixel{number}" for number in range(784)])
    rows = split.images.reshape(-1, 784)
    if labels:
        rows = np.column_stack([split.labels, rows])
    return "".join(f"{line}\n" for line in [header, *(",".join(map(str, row)) for row in rows)] if line)


def save_pictures(folder: Path, split: Split, names: tuple[str, ...] = tuple("0123456789")) -> Path:
    for number, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
        (folder / names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / names[label] / f"{number}.png")
    return folder
