"""Comparing two readers: the test, and a folder with the images on which they differ. Loads no TensorFlow."""

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tenfold.data import Dataset, Split, load_data
from tenfold.data.writing import plain_name, written_aside
from tenfold.judging.page import check_extra
from tenfold.judging.pairs import Pair, judge_pair
from tenfold.judging.report import pick_images
from tenfold.making.cells import FORMAT, READERS, SUMMARY, held_comparison
from tenfold.making.runs import READER, json_text
from tenfold.reading import Reader, load, prepare
from tenfold.reading.bundle import reader_file

TABLE = "differences.csv"
PICTURE = "differences.png"


def compare_readers(
    a: Reader | str | Path | None,
    b: Reader | str | Path | None = None,
    *,
    data: Dataset | str | Path | None = None,
    out: str | Path | None = None,
) -> tuple[Pair, Path]:
    """Test two readers on the same images and write down where they differ.

    a, b: readers, or run folders or files of readers; None is the shipped one.
    data: a Dataset, or what `load_data` takes. Its test images are read, or all where it has none.
    out: the folder; None is `runs/compare-<a>-<b>`, by their names. One that holds an earlier comparison
        of two readers is written anew, all of it or, where this one fails, nothing.

    Returns the pair and its folder: comparison.json, differences.csv, differences.png.

    >>> pair, where = tenfold.making.compare_readers(None, out=folder / "same")
    >>> len(pair.differ)
    0

    Raises ReaderError for what is no reader, DataError, RunError; MissingExtraError without Matplotlib.
    """
    check_extra("a comparison")
    readers = _open(a), _open(b)
    dataset = data if isinstance(data, Dataset) else load_data(data, to_image=prepare)
    split = pick_images(dataset)
    name = "-".join(_name(reader) for reader in readers)
    with held_comparison(out, name, READERS) as folder:
        pair = judge_pair(*readers, split, dataset.class_names)
        _write(folder, pair, readers, split, dataset)
    return pair, folder


def _open(reader: Reader | str | Path | None) -> Reader:
    return reader if isinstance(reader, Reader) else load(reader)


def _name(reader: Reader) -> str:
    """A reader's name in a folder's: of its run folder, or of its file."""
    path = reader.path.resolve()
    if path == reader_file(None).resolve():
        return "shipped"
    return plain_name(path.parent.name if path.name == READER else path.stem)


def _write(folder: Path, pair: Pair, readers: tuple[Reader, Reader], split: Split, dataset: Dataset) -> None:
    from tenfold.judging import figures

    figure = figures.differences(
        split.images, pair.labels, pair.answers, [pair.only_a, pair.only_b, pair.both_wrong]
    )
    content = json_text(_describe(pair, readers, dataset))
    with ExitStack() as together:  # none has its name before all are written; comparison.json is named last
        summary, picture, table = (
            together.enter_context(written_aside(folder / name)) for name in (SUMMARY, PICTURE, TABLE)
        )
        _write_table(table, pair)
        figure.savefig(picture)
        summary.write_text(content, encoding="utf-8")


def _write_table(path: Path, pair: Pair) -> None:
    """Write a row for each image they answer differently."""
    confidences = [report.confidence for report in pair.reports]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("index", "label", "a", "a_confidence", "b", "b_confidence"))
        for i in pair.differ:
            a, b = ((name[i], f"{sure[i]:.4f}") for name, sure in zip(pair.answers, confidences, strict=True))
            writer.writerow((i, pair.labels[i], *a, *b))


def _describe(pair: Pair, readers: tuple[Reader, Reader], dataset: Dataset) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": READERS,
        "finished": True,
        "readers": {
            name: {
                "path": str(reader.path),
                "recipe": reader.card.recipe,
                "weights_sha256": reader.card.weights_sha256,
                "accuracy": report.accuracy,
                "interval": list(report.interval),
                "wrong": len(report.wrong),
            }
            for name, reader, report in zip("ab", readers, pair.reports, strict=True)
        },
        "data": {"source": dataset.source, "sha256": dataset.sha256, "images": pair.n},
        "only_a": pair.only_a.tolist(),
        "only_b": pair.only_b.tolist(),
        "both_wrong": pair.both_wrong.tolist(),
        "statistic": pair.statistic,
        "p": pair.p,
        "same_reader": pair.same,
    }
