"""Comparing two readers: the test, and a folder with the images on which they differ. Loads no TensorFlow."""

import csv
from pathlib import Path
from typing import Any

from tenfold.data import Dataset, Split, load_data
from tenfold.judging.pairs import Pair, judge_pair
from tenfold.judging.report import pick_images
from tenfold.making.cells import FORMAT, SUMMARY, claim_comparison
from tenfold.making.runs import write_json, written_aside
from tenfold.reading import Reader, load, prepare

KIND = "readers"
TABLE = "differences.csv"
PICTURE = "differences.png"


def compare_readers(
    a: str | Path | None,
    b: str | Path | None = None,
    *,
    data: Dataset | str | Path | None = None,
    out: str | Path | None = None,
) -> tuple[Pair, Path]:
    """Test two readers on the same images and write down where they differ.

    a, b: run folders or readers' files; None is the shipped reader.
    data: a Dataset, or what `load_data` takes. Its test images are read, or all where it has none.
    out: the folder; None is `runs/compare-readers`. One that holds an earlier comparison of two readers is
        written anew.

    Returns the pair and its folder: comparison.json, differences.csv, differences.png.

    >>> pair, where = tenfold.making.compare_readers(None, out=folder / "same")
    >>> len(pair.differ)
    0

    Raises ReaderError for what is no reader, DataError, RunError.
    """
    readers = load(a), load(b)
    dataset = data if isinstance(data, Dataset) else load_data(data, to_image=prepare)
    split = pick_images(dataset)
    folder = claim_comparison(out, KIND, KIND)
    pair = judge_pair(*readers, split, dataset.class_names)
    _write(folder, pair, readers, split, dataset)
    return pair, folder


def _write(folder: Path, pair: Pair, readers: tuple[Reader, Reader], split: Split, dataset: Dataset) -> None:
    from tenfold.judging import figures

    with written_aside(folder / TABLE) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("index", "label", "a", "a_confidence", "b", "b_confidence"))
        confidences = [report.confidence for report in pair.reports]
        for i in pair.differ:
            answers = [
                (name[i], f"{sure[i]:.4f}") for name, sure in zip(pair.answers, confidences, strict=True)
            ]
            writer.writerow((i, pair.labels[i], *answers[0], *answers[1]))
    figure = figures.differences(
        split.images, pair.labels, pair.answers, [pair.only_a, pair.only_b, pair.both_wrong]
    )
    with written_aside(folder / PICTURE) as aside:
        figure.savefig(aside)
    write_json(folder / SUMMARY, _describe(pair, readers, dataset))


def _describe(pair: Pair, readers: tuple[Reader, Reader], dataset: Dataset) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": KIND,
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
    }
