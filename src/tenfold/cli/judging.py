"""The commands that judge readers."""

from typing import Annotated

import typer

from tenfold.cli.show import percent, say, test_line, write


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
) -> int:
    """Score a reader on the test set.

    Data without a test set of its own is scored whole.
    """
    import tenfold
    from tenfold.judging.report import match_classes, pick_images

    judged = tenfold.load(reader)
    dataset = tenfold.load_data(source, to_image=tenfold.prepare)
    say(f"{judged.card.name} ({judged.card.parameters:,} parameters) on {dataset.source}")
    report = tenfold.evaluate(judged, match_classes(pick_images(dataset), dataset.class_names, judged.labels))
    low, high = report.interval
    write(test_line(report.accuracy, report.loss))
    write(
        f"  {len(report.wrong):,} of {report.n:,} wrong; 95% interval {100 * low:.2f}% to {100 * high:.2f}%"
    )
    if report.answered:
        right = 100 * report.accuracy_answered
        write(f"  sure of {percent(report.answered, 2)}, and right on {right:.2f}% of those")
    return 0
