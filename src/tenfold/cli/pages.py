"""The command that reads whole pages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.overlays import Overlays
from tenfold.cli.reading import ModelOption
from tenfold.cli.show import csv_line, json_line, say, show_name, write
from tenfold.cli.sources import Source, find_sources, name_error
from tenfold.errors import MissingExtraError, OptionError, PictureError

if TYPE_CHECKING:
    from tenfold.reading import Number, Page, Reader
    from tenfold.reading.answers import Polygon, Prediction
    from tenfold.reading.decode import Pixels

COLUMNS = (
    *("source", "region", "number", "text", "shown", "confidence", "unsure", "raw", "rule", "marks"),
    *("x", "y", "w", "h", "notes", "error"),
)


class PageFormat(StrEnum):
    """How the answers are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class MarksUse(StrEnum):
    """What a point or comma inside a number means."""

    UNSURE = "unsure"
    IGNORE = "ignore"
    THOUSANDS = "thousands"


@dataclass(frozen=True)
class Wish:
    """How every page is to be read: the keywords of `Reader.read`."""

    regions: Mapping[str, tuple[float, float, float, float]] | None
    length: int | None
    check: str | None
    ids: frozenset[str] | None
    marks: MarksUse


def read(
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURE...", help="Path, folder, glob, or - for standard input.")
    ],
    model: ModelOption = None,
    form: Annotated[
        PageFormat, typer.Option("--format", help="json: one object a page. csv: one row a number.")
    ] = PageFormat.TEXT,
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Write each page there as PNG, what was read drawn on it: green sure, amber unsure, red "
            "very unsure, blue marks. a.pdf#2 becomes a.pdf#2.png; where that is taken, a.pdf#2 (2).png.",
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]X,Y,W,H",
            help="Read only this field: left, top, width, height in pixels. May be given again; one without "
            "a name is called by its place, 1, 2, ...",
        ),
    ] = None,
    length: Annotated[int | None, typer.Option(metavar="N", help="Every number has N digits.")] = None,
    check: Annotated[
        str | None, typer.Option(metavar="luhn", help="Every number ends with this check digit.")
    ] = None,
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Every number is in this file, one a line.")
    ] = None,
    marks: Annotated[
        MarksUse,
        typer.Option(
            help="What a point or comma inside a number does: unsure makes the number unsure, ignore lets "
            "it pass, thousands lets it pass where it groups thousands."
        ),
    ] = MarksUse.UNSURE,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show the best guess for an unsure digit, not ?.")
    ] = False,
) -> int:
    """Read any number of digits on photos, scans and crops of a line.

    Every page of a TIFF or PDF is a page of its own, named form.pdf#2. Blank paper has no numbers.

    A number is shown as it stands: ? for an unsure digit, . , - as written, | a cut edge, ~ other ink.

    --length, --check and --ids choose among what the ink allows; the raw reading is shown beside it.
    """
    from tenfold.reading import load

    wish = _wish(region, length, check, ids, marks)
    reader = load(model)
    overlays = Overlays(overlay) if overlay is not None else None
    named = tuple(wish.regions or ())
    show = {PageFormat.TEXT: _text(raw, named), PageFormat.JSON: _json, PageFormat.CSV: _csv(raw, named)}[
        form
    ]
    if form is PageFormat.CSV:
        write(csv_line(COLUMNS))
    read_well, failed, misfits = 0, 0, 0
    for answer in _answers(reader, find_sources(pictures), wish):
        show(answer.name, answer.page)
        if overlays is not None and answer.pixels is not None:
            overlays.write(answer.name, answer.pixels.values, answer.page)
        read_well += answer.page.error is None
        failed += answer.page.error is not None
        misfits += answer.misfit
    if misfits and not read_well:
        return 2  # a region that lies in no picture at all is the command's fault
    return 1 if failed else 0


def _wish(
    regions: Sequence[str] | None, length: int | None, check: str | None, ids: Path | None, marks: MarksUse
) -> Wish:
    """Everything asked for, checked before any picture is opened."""
    from tenfold.reading.knowledge import Knowledge, read_ids

    known = read_ids(ids) if ids is not None else None
    Knowledge(length, check, known)  # raises OptionError
    return Wish(_regions(regions) if regions else None, length, check, known, marks)


def _regions(texts: Sequence[str]) -> dict[str, tuple[float, float, float, float]]:
    found: dict[str, tuple[float, float, float, float]] = {}
    for place, text in enumerate(texts, start=1):
        name, equals, numbers = text.rpartition("=")
        name = name if equals else str(place)
        try:
            left, top, width, height = map(float, numbers.split(","))
        except ValueError:
            left = top = width = height = float("nan")
        if (
            not all(map(isfinite, (left, top, width, height)))
            or min(left, top) < 0
            or min(width, height) <= 0
        ):
            raise OptionError(
                f"--region {text!r}: expected [NAME=]X,Y,W,H, the field's left, top, width and height in "
                "pixels, such as total=620,80,300,60"
            )
        if not name or name in found:
            raise OptionError(f"--region {text!r}: {'this name is used twice' if name else 'an empty name'}")
        found[name] = (left, top, width, height)
    return found


@dataclass(frozen=True)
class _Answer:
    """One page: its name, what was read or the error, its pixels, whether a region lies outside it."""

    name: str
    page: "Page"
    pixels: "Pixels | None" = None
    misfit: bool = False


def _answers(reader: "Reader", sources: Iterator[Source], wish: Wish) -> Iterator[_Answer]:
    """Read sources page by page; one that cannot be read has a page with its error."""
    from tenfold.reading.decode import decode_all

    for source in sources:
        if source.picture is None:
            yield _failure(source.name, name_error(source, source.error or ""))
            continue
        try:
            for pixels in decode_all(source.picture):
                yield _read_page(reader, replace(pixels, source=_page_name(source, pixels.source)), wish)
        except (PictureError, MissingExtraError) as error:
            yield _failure(source.name, name_error(source, str(error)))
        except MemoryError:
            yield _failure(source.name, name_error(source, "is too large for this machine's memory"))


def _page_name(source: Source, decoded: str | None) -> str:
    """The name as it was given, with the page's number ("#2") where the file has many."""
    before = str(source.picture) if isinstance(source.picture, Path) else ""
    return source.name + (decoded or "").removeprefix(before)


def _read_page(reader: "Reader", pixels: "Pixels", wish: Wish) -> _Answer:
    name = pixels.source or ""
    try:
        return _Answer(name, reader.read(pixels, **vars(wish)), pixels)
    except PictureError as error:
        return _failure(name, str(error))
    except OptionError as error:
        return replace(_failure(name, f"{name}: {error}"), misfit=True)


def _failure(name: str, error: str) -> _Answer:
    from tenfold.reading import Page

    return _Answer(name, Page((), (0, 0), name, error))


def _text(raw: bool, fields: Sequence[str]) -> Callable[[str, "Page"], None]:
    from tenfold.reading.spelling import percent, spell

    def show(name: str, page: "Page") -> None:
        if page.error is not None:
            say(page.error)
            return
        _say_notes(name, page, fields)
        for number in page.numbers:
            where = name if number.region is None else f"{name} [{number.region}]"
            shown = spell(number, guess=raw)
            remarks = ["unsure", *number.notes] if number.unsure else []
            remarks += [f"best guess {number.text}"] if "?" in shown else []
            remarks += [number.rule, f"raw reading {number.raw}"] if number.rule is not None else []
            tail = f"  ({'; '.join(remarks)})" if remarks else ""
            write(f"{show_name(where)}: {shown}  {percent(number.confidence)}{tail}")

    return show


def _say_notes(name: str, page: "Page", fields: Sequence[str]) -> None:
    for note in page.notes:
        say(f"{name}: {note}")
    if not page.numbers and not fields:
        say(f"{name}: no number found")
    for field in _empty(page, fields):
        say(f"{name} [{field}]: no number found")


def _empty(page: "Page", fields: Sequence[str]) -> list[str]:
    """The fields without a number, in their order."""
    filled = {number.region for number in page.numbers}
    return [field for field in fields if field not in filled]


def _json(name: str, page: "Page") -> None:
    if page.error is not None:
        write(json_line({"source": name, "error": page.error}))
        return
    numbers = [_number(number) for number in page.numbers]
    write(json_line({"source": name, "size": list(page.size), "numbers": numbers, "notes": list(page.notes)}))


def _number(number: "Number") -> dict[str, object]:
    return {
        "text": number.text,
        "confidence": _rounded(number.confidence),
        "unsure": number.unsure,
        "box": _corners(number.box),
        "digits": [_digit(digit) for digit in number.digits],
        "alternatives": [
            {"text": text, "probability": _rounded(share)} for text, share in number.alternatives
        ],
        "marks": [
            {
                "kind": mark.kind,
                "position": mark.position,
                "box": _corners(mark.box),
                "confidence": _rounded(mark.confidence),
            }
            for mark in number.marks
        ],
        "region": number.region,
        "rule": number.rule,
        "raw": number.raw,
        "notes": list(number.notes),
    }


def _digit(digit: "Prediction") -> dict[str, object]:
    return {
        "digit": digit.digit,
        "confidence": _rounded(digit.confidence),
        "is_digit": _rounded(digit.is_digit),
        "unsure": digit.unsure,
        "probabilities": [_rounded(p) for p in digit.probabilities],
        "box": _corners(digit.box) if digit.box is not None else None,
    }


def _rounded(share: float) -> float:
    return round(float(share), 6)


def _corners(box: "Polygon") -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in box]


def _csv(raw: bool, fields: Sequence[str]) -> Callable[[str, "Page"], None]:
    from tenfold.reading.spelling import spell

    def show(name: str, page: "Page") -> None:
        if page.error is not None:
            write(csv_line([name, *[""] * (len(COLUMNS) - 2), page.error]))
            return
        _say_notes(name, page, fields)
        for place, number in enumerate(page.numbers, start=1):
            xs, ys = zip(*number.box, strict=True)
            box = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
            cells = [
                *(name, number.region or "", str(place), number.text, spell(number, guess=raw)),
                *(f"{number.confidence:.6f}", str(number.unsure).lower(), number.raw, number.rule or ""),
                " ".join(f"{mark.kind}@{mark.position}" for mark in number.marks),
                *(f"{value:.1f}" for value in box),
                "; ".join(number.notes),
            ]
            write(csv_line([*cells, ""]))
        for field in _empty(page, fields):
            write(csv_line([name, field, *[""] * (len(COLUMNS) - 2)]))

    return show
