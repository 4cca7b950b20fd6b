"""How long reading takes, and what memory it keeps: everything in one run, medians beside their spread.

    python benchmarks/speed.py [--json FILE]

Measure on a quiet machine: the load at the start is printed, and stored with the figures. Beside what is
measured stands what it cannot be faster than: the network alone, the imports alone.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from pages import FIRST_SEED, page
from PIL import Image
from record import RESULTS, show_table, write_result

import tenfold
from tenfold.reading.decode import decode
from tenfold.reading.reader import BATCH, THREADS

FLOOR = "import numpy, onnxruntime, PIL"
PHOTOS = ("phone, flat", "phone, shadow", "phone, on a table")
PHOTO = 12_000_000  # pixels
LARGE = 100  # pixels: side of a larger small picture
SETTLED = 2000  # pictures after which memory should stay where it is
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Timing:
    """What was timed, how many times, and per piece of work the median, least and greatest seconds.

    rate: the median is shown as pieces of work a second, not as seconds.
    """

    what: str
    repeats: int
    median: float
    least: float
    greatest: float
    rate: bool = False


def time(
    what: str, work: Callable[[], object], repeats: int, pieces: int = 1, *, rate: bool = False
) -> Timing:
    """Time one call after another, the first two left out as warming up."""
    seconds = []
    for _ in range(repeats + 2):
        start = perf_counter()
        work()
        seconds.append((perf_counter() - start) / pieces)
    kept = seconds[2:]
    return Timing(what, repeats, median(kept), min(kept), max(kept), rate)


def show(timing: Timing) -> list[str]:
    """A row of the table."""
    if timing.rate:
        values = [f"{1 / s:,.0f}/s" for s in (timing.median, timing.greatest, timing.least)]
    else:
        times, unit = (1000, "ms") if timing.median < 1 else (1, "s")
        values = [f"{times * s:.3g} {unit}" for s in (timing.median, timing.least, timing.greatest)]
    return [timing.what, values[0], f"{values[1]} to {values[2]}", str(timing.repeats)]


def dark_on_light(images: Images, side: int) -> list[Images]:
    """Digits as pictures to be prepared: drawn at `side` pixels, dark on paper with a little noise."""
    rng = np.random.default_rng(1)
    pictures = []
    for image in images:
        drawn = np.asarray(Image.fromarray(255 - image).resize((side, side), Image.Resampling.BICUBIC))
        noisy = 0.85 * drawn + rng.normal(10, 2, drawn.shape)
        pictures.append(noisy.clip(0, 255).astype(np.uint8))
    return pictures


def photo(seed: int, style: str) -> bytes:
    """A made page as a telephone stores it: JPEG, about 12 megapixels."""
    made = Image.fromarray(page(seed, style, split="test").picture).convert("RGB")
    times = (PHOTO / (made.width * made.height)) ** 0.5
    size = (round(made.width * times), round(made.height * times))
    stored = io.BytesIO()
    made.resize(size, Image.Resampling.BICUBIC).save(stored, "JPEG", quality=88)
    return stored.getvalue()


def one_image(reader: tenfold.Reader, images: Images, repeats: int) -> list[Timing]:
    """One prepared image through the face, and through the network alone."""
    feed = {"images": images[:1]}
    session = reader._network.session
    return [
        time(
            "one prepared image, `predict_many([image], prepared=True)`",
            lambda: reader.predict_many([images[0]], prepared=True),
            repeats,
        ),
        time("the network alone on it", lambda: session.run(None, feed), repeats),
    ]


def many_images(reader: tenfold.Reader, images: Images, repeats: int) -> list[Timing]:
    """All prepared images through the face, and through the network alone in the same batches."""
    session = reader._network.session
    batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]

    def bare() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda batch: session.run(None, {"images": batch}), batches))

    count = len(images)
    return [
        time(
            f"{count:,} prepared images, `predict_many(images, prepared=True)`",
            lambda: reader.predict_many(images, prepared=True),
            repeats,
            count,
            rate=True,
        ),
        time("the network alone on them", bare, repeats, count, rate=True),
    ]


def small_pictures(reader: tenfold.Reader, images: Images, repeats: int) -> list[Timing]:
    """Pictures that have to be prepared first."""
    timings = []
    for side in (images.shape[1], LARGE):
        pictures = dark_on_light(images, side)
        timings.append(
            time(
                f"{len(pictures):,} pictures of {side}x{side}, `predict_many(pictures)`",
                partial(reader.predict_many, pictures),
                repeats,
                len(pictures),
                rate=True,
            )
        )
    return timings


def photos(reader: tenfold.Reader, repeats: int) -> list[Timing]:
    """Phone photos of pages, and how much of it is decoding the JPEG."""
    timings = []
    for number, style in enumerate(PHOTOS):
        stored = photo(FIRST_SEED["test"] + number, style)
        values = decode(stored).values
        found = len(reader.read(values).numbers)
        name = f"photo of {values.size / 3e6:.0f} megapixels ({style}; {found} numbers)"
        timings.append(time(f"{name}, `read`", partial(reader.read, stored), repeats))
        timings.append(time("decoding it", partial(decode, stored), repeats))
    return timings


def processes(images: Images, repeats: int) -> list[Timing]:
    """The command as a whole process, from its start to its end, beside what Python itself takes.

    Modules are compiled beforehand, as `pip install` leaves them, even where the environment forbids it.
    """
    with tempfile.TemporaryDirectory() as folder:
        surroundings = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        surroundings["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        one = Path(folder) / "one.png"
        Image.fromarray(dark_on_light(images[:1], LARGE)[0]).save(one)
        commands = {
            "`tenfold predict one.png`, the whole process": ["-m", "tenfold", "predict", str(one)],
            f"`python -c '{FLOOR}'`": ["-c", FLOOR],
        }
        return [
            time(
                what,
                partial(
                    subprocess.run,
                    [sys.executable, *rest],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    env=surroundings,
                ),
                repeats,
            )
            for what, rest in commands.items()
        ]


def resident() -> int:
    """Bytes of this process that are in memory now (Linux)."""
    pages_used = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_used * os.sysconf("SC_PAGE_SIZE")


def memory(reader: tenfold.Reader, images: Images, pictures: int) -> dict[str, float]:
    """Resident megabytes before, after SETTLED pictures and after all, answers dropped as they come."""

    def groups() -> Iterator[Sequence[Images]]:
        for start in range(0, pictures, 500):
            chosen = images[np.arange(start, min(start + 500, pictures)) % len(images)]
            yield dark_on_light(chosen, (28, 60, LARGE)[start // 500 % 3])

    done, seen = 0, {"before": resident()}
    for group in groups():
        reader.predict_many(group)
        done += len(group)
        if done == SETTLED:
            seen["settled"] = resident()
    seen["after"] = resident()
    found = {name: round(size / 2**20, 1) for name, size in seen.items()}
    return {**found, "growth": round(found["after"] - found.get("settled", found["before"]), 1)}


def main() -> None:
    """Print the table and write the result."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--model", help="run folder or .onnx file; left out, the shipped reader")
    words.add_argument(
        "--repeats", type=int, default=7, help="of what takes long; short work is repeated more"
    )
    words.add_argument("--images", type=int, default=10_000, help="MNIST test images")
    words.add_argument("--pictures", type=int, default=20_000, help="while memory is watched; 0 for none")
    words.add_argument("--json", type=Path, default=RESULTS / "speed.json", metavar="FILE")
    chosen = words.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    reader = tenfold.load(chosen.model)
    images = tenfold.load_mnist().test.images[: chosen.images]
    kept = memory(reader, images, chosen.pictures) if chosen.pictures else None
    timings = [
        *one_image(reader, images, 200 * chosen.repeats),
        *many_images(reader, images, chosen.repeats),
        *small_pictures(reader, images[:2000], chosen.repeats),
        *photos(reader, chosen.repeats),
        *processes(images, chosen.repeats + 3),
    ]
    show_table(["what", "median", "least to greatest", "repeats"], map(show, timings))
    if kept:
        print(
            f"\nmemory over {chosen.pictures:,} pictures: {kept['before']} MB before, "
            f"{kept['after']} MB after; {kept['growth']:+} MB after the first {SETTLED:,}"
        )
    content = {
        "what": "seconds per piece of work: median, least, greatest; megabytes resident",
        "reader": reader.card.weights_sha256,
        "timings": [asdict(timing) for timing in timings],
        "memory": kept,
    }
    write_result(chosen.json, content, ["numpy", "onnxruntime", "opencv-python-headless", "pillow"])


if __name__ == "__main__":
    main()
