"""The commands that judge readers."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.show import interval_text, say, score_line, show_name, tell, write

if TYPE_CHECKING:
    from tenfold.data import Dataset
    from tenfold.judging import Report
    from tenfold.judging.summary import Row
    from tenfold.reading import Reader


class Suite(StrEnum):
    """What a reader is judged on."""

    mnist = "mnist"
    corrupted = "corrupted"
    shifted = "shifted"
    nondigits = "nondigits"
    all = "all"


def evaluate(
    reader: Annotated[
        str | None,
        typer.Argument(
            metavar="[READER]", help="A run folder or a reader's file; left out, the shipped one."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--data", help="MNIST-like data: .npz, IDX, CSV, or a folder.", show_default="MNIST"),
    ] = None,
    suite: Annotated[
        Suite | None,
        typer.Option(help="Write a report: on the images as they are, or with these beside them."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The report's folder, a new one.", show_default="runs/<time>-<name>-report"),
    ] = None,
    nondigits: Annotated[
        Path | None, typer.Option(help="A folder of pictures that show no digits, to be refused.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Judge only the first so many images.", show_default=False)
    ] = None,
) -> int:
    """Score a reader on the test set; with --suite or --out, write a report beside the classic network's.

    Data without a test set of its own is scored whole. The report is one page, report.html, and the same
    figures in report.json; it needs the extra "report".
    """
    import tenfold
    from tenfold.judging.page import check_extra
    from tenfold.judging.report import match_classes, pick_images, take_images

    wanted = suite or out or nondigits
    if wanted:
        check_extra()
    judged = tenfold.load(reader)
    dataset = tenfold.load_data(source, to_image=tenfold.prepare)
    say_judged(f"{judged.card.name} ({judged.card.parameters:,} parameters)", dataset)
    if wanted:
        return _write_report(judged, dataset, suite or Suite.mnist, out, nondigits, limit)
    split = match_classes(pick_images(dataset), dataset.class_names, judged.labels)
    _show(tenfold.evaluate(judged, take_images(split, limit)), dataset)
    return 0


def say_judged(who: str, dataset: "Dataset") -> None:
    """Say who is judged, and on what."""
    say(f"{who} on {dataset.source}")
    if dataset.test is None:
        say("no test images in it: all are read; on what it was trained on, a reader looks better than it is")


def _write_report(
    reader: "Reader",
    dataset: "Dataset",
    suite: Suite,
    out: Path | None,
    nondigits: Path | None,
    limit: int | None,
) -> int:
    from tenfold.judging.assessment import assess
    from tenfold.judging.page import PAGE, claimed_report, write_report
    from tenfold.judging.summary import summarise

    with claimed_report(out, reader.card.name) as folder:
        assessment = assess(reader, dataset, [suite.value], nondigits=nondigits, limit=limit, tell=tell)
        write_report(assessment, folder)
    _show(assessment.columns[0].clean.report, dataset)
    write()
    _show_table([column.name for column in assessment.columns], summarise(assessment))
    tell(f"report: {folder / PAGE}")
    return 0


def _show(report: "Report", dataset: "Dataset") -> None:
    from tenfold.reading.spelling import percent

    write(score_line(report.accuracy, report.loss, "Overall" if dataset.test is None else "Test"))
    write(f"  {len(report.wrong):,} of {report.n:,} wrong; {interval_text(report.interval)}")
    if report.answered:
        right = percent(report.accuracy_answered, 2)
        write(f"  sure of {percent(report.answered, 2)}, and right on {right} of those")


def _show_table(names: Sequence[str], rows: "Sequence[Row]") -> None:
    """Print the figures, a column a reader."""
    heads = [show_name(row.name) for row in rows]
    widest = max(map(len, heads))
    cells = [tuple(map(show_name, names)), *(row.values for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    for name, values in zip(["", *heads], cells, strict=True):
        shown = "  ".join(value.rjust(width) for value, width in zip(values, widths, strict=True))
        write(f"{name:<{widest}}  {shown}")
