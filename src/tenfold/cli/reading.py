"""The command that reads one digit a picture."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.show import csv_line, json_line, say, show_name, write
from tenfold.cli.sources import Source, find_sources, name_error
from tenfold.errors import OptionError, some_of

if TYPE_CHECKING:
    from tenfold.reading import Prediction, Reader

GROUP = 64  # pictures between two looks at the output: answers come soon, memory stays flat

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="READER", help="A run folder or a reader's file.", show_default="the shipped one"
    ),
]


class Format(StrEnum):
    """How the answers are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    KAGGLE = "kaggle"


def predict(
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURE...", help="Path, folder, glob, or - for standard input.")
    ],
    model: ModelOption = None,
    form: Annotated[
        Format,
        typer.Option("--format", help="json: one object a line. kaggle: PICTURE is a CSV of pixels."),
    ] = Format.TEXT,
    raw: Annotated[
        bool, typer.Option("--raw", help="In the text form, show the best guess for an unsure digit, not ?.")
    ] = False,
) -> int:
    """Read the one digit in each picture.

    A picture may have any size and be dark on light or light on dark. Unsure answers are shown as "?".
    """
    from tenfold.reading import load

    reader = load(model)
    if form is Format.KAGGLE:
        return _predict_table(reader, pictures)
    show = {Format.TEXT: _text(raw), Format.JSON: _json, Format.CSV: _csv}[form]
    if form is Format.CSV:
        write("source,digit,confidence,is_digit,unsure,error")
    failed = 0
    for name, answer in _answers(reader, find_sources(pictures)):
        failed += answer.error is not None
        show(name, answer)
    return 1 if failed else 0


def _answers(reader: "Reader", sources: Iterable[Source]) -> Iterator[tuple[str, "Prediction"]]:
    """Read sources in groups; one that cannot be read has an answer with its error."""
    waiting = iter(sources)
    while group := list(islice(waiting, GROUP)):
        read = iter(reader.predict_many([s.picture for s in group if s.picture is not None]))
        for source in group:
            answer = next(read) if source.picture is not None else _failure(reader, source)
            if answer.error is not None:
                answer = replace(answer, error=name_error(source, answer.error))
            yield source.name, answer


def _failure(reader: "Reader", source: Source) -> "Prediction":
    """An answer for a source that holds no picture at all."""
    import numpy as np

    from tenfold.reading import Prediction

    return Prediction(
        digit=None,
        label="",
        confidence=0.0,
        unsure=True,
        probabilities=np.zeros(len(reader.labels), np.float32),
        image=np.zeros((28, 28), np.uint8),
        source=source.name,
        error=source.error,
    )


def _text(raw: bool) -> Callable[[str, "Prediction"], None]:
    from tenfold.reading.spelling import percent

    def show(name: str, answer: "Prediction") -> None:
        if answer.error is not None:
            say(answer.error)
            return
        shown = answer.label if raw or not answer.unsure else "?"
        notes = [f"best guess {answer.label}"] if answer.unsure and not raw else []
        remarks = f"  ({'; '.join([*notes, *answer.notes])})" if notes or answer.notes else ""
        write(f"{show_name(name)}: {shown}  {percent(answer.confidence)}{remarks}")

    return show


def _json(name: str, answer: "Prediction") -> None:
    if answer.error is not None:
        write(json_line({"source": name, "error": answer.error}))
        return
    fields: dict[str, object] = {
        "source": name,
        "digit": answer.digit,
        "confidence": round(float(answer.confidence), 6),
        "is_digit": round(float(answer.is_digit), 6),
        "probabilities": [round(float(p), 6) for p in answer.probabilities],
        "unsure": answer.unsure,
    }
    if answer.label != str(answer.digit):
        fields["label"] = answer.label
    if answer.notes:
        fields["notes"] = list(answer.notes)
    write(json_line(fields))


def _csv(name: str, answer: "Prediction") -> None:
    if answer.error is not None:
        cells = [name, "", "", "", "", answer.error]
    else:
        shares = (f"{answer.confidence:.6f}", f"{answer.is_digit:.6f}")
        cells = [name, answer.label, *shares, str(answer.unsure).lower(), ""]
    write(csv_line(cells))


def _predict_table(reader: "Reader", names: list[str]) -> int:
    """Answer every row of a CSV of pixels in the form of Kaggle's digit recognizer: ImageId,Label."""
    from tenfold.data import DIGITS, read_pixels_csv

    if len(names) != 1:
        raise OptionError(
            f"--format kaggle takes one CSV of pixels (pixel0 to pixel783), got {len(names)} names"
        )
    if reader.labels != DIGITS:
        raise OptionError(f"--format kaggle is for digits; {reader.path} reads {some_of(reader.labels)}")
    images = read_pixels_csv(Path(names[0]))
    write("ImageId,Label")
    for number, answer in enumerate(reader.predict_many(images, prepared=True), start=1):
        write(f"{number},{answer.label}")
    return 0
