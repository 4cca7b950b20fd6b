"""Everything a report says, found out: one reader, the classic network beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset, Split
from tenfold.errors import DataError, OptionError, ReaderError
from tenfold.judging.calibration import measure_reliability, score_brier, untemper
from tenfold.judging.columns import Assessment, Clean, Judged, Outcome, Refused
from tenfold.judging.cost import measure_cost
from tenfold.judging.metrics import score_classes, score_loss, score_top
from tenfold.judging.mistakes import find_mistakes
from tenfold.judging.problems import find_problems
from tenfold.judging.refusing import measure_risk, separate
from tenfold.judging.report import answer, evaluate, match_classes, pick_images, take_images
from tenfold.reading import Card, load
from tenfold.reading.bundle import WEIGHTS

if TYPE_CHECKING:
    from tenfold.reading import Reader

Images = NDArray[np.uint8]
Tell = Callable[[str], None]

SUITES = ("mnist", "corrupted", "shifted", "nondigits")
"""What a reader can be judged on; every report has the first."""

CLASSIC = WEIGHTS / "classic.onnx"
SURE_ENOUGH = 0.999
"""The share of answers that must be right when coverage is measured."""

NONDIGITS = 1000
"""Letters, and scribbles, drawn to be refused."""

SHIFTED = 2000
"""Images at each step of a shift: enough to see where a reader breaks."""

SHOWN = 12
"""Non-digits of a kind shown in the report."""

EASIER = "A part may be easier than the whole, as the first of MNIST's test images are."


def assess(
    reader: "Reader",
    dataset: Dataset,
    suites: Sequence[str] = ("mnist",),
    *,
    nondigits: str | Path | None = None,
    limit: int | None = None,
    tell: Tell | None = None,
) -> Assessment:
    """Judge a reader on a data set's test images, and on what the suites make of them.

    suites: of `SUITES`, or "all"; the first is always among them, the last where `nondigits` is given.
    nondigits: a folder of pictures that show no digits, to be refused.
    limit: judge the first so many images only; tell: called with a line when a part of the work begins.

    Raises:
        OptionError: an unknown suite, or a limit that leaves one class or nothing.
        DataError: data that cannot be judged, or no picture in the folder that can be opened.
        MissingExtraError: a suite needs a package that is not here.
    """
    asked = choose_suites(suites, nondigits is not None)
    tell = tell or (lambda line: None)
    whole = match_classes(pick_images(dataset), dataset.class_names, reader.labels)
    split = take_images(whole, limit)
    _check_classes(split, whole, reader.labels)
    pictures = None if nondigits is None else _find_pictures(nondigits, tell)
    notes = (f"The first {limit:,} of {len(whole):,}. {EASIER}",) if len(split) < len(whole) else ()
    problems = find_problems(whole)
    readers = [reader, *_beside(reader)]
    tell(f"reading {len(split):,} image{'s' if len(split) > 1 else ''}")
    cleans = [_judge_clean(each, split, problems[problems < len(split)]) for each in readers]
    nothing: list[dict[str, Any]] = [{} for _ in readers]  # of what a suite not asked for would find
    corrupted, examples = _corrupted(readers, split, tell) if "corrupted" in asked else (nothing, {})
    shifted = _shifted(readers, split, tell) if "shifted" in asked else nothing
    confidences = [clean.report.confidence for clean in cleans]
    refused = _nondigits(readers, confidences, pictures, tell) if "nondigits" in asked else nothing
    costs = [measure_cost(each, split.images) for each in readers]
    columns = tuple(
        Judged(each.card.name, each.card, *parts)
        for each, *parts in zip(readers, costs, cleans, corrupted, shifted, refused, strict=True)
    )
    tell("looking up the mistakes")
    training = None
    if dataset.test is not None:
        training = tuple(
            match_classes(part, dataset.class_names, reader.labels)
            for part in (dataset.train, dataset.validation)
        )
    return Assessment(
        columns=columns,
        source=dataset.source,
        suites=asked,
        resembled=_resembled(reader.card) if "corrupted" in asked else {},
        mistakes=find_mistakes(cleans[0].report, split, problems, training),
        examples=examples,
        notes=notes,
    )


@dataclass(frozen=True)
class _Pictures:
    """Those of the user's folder: what the report calls them, and how many cannot be opened."""

    kind: str
    paths: list[Path]
    left_out: int


def _find_pictures(folder: str | Path, tell: Tell) -> _Pictures:
    """Find what the user wants refused, and tell what cannot be opened. Raises DataError."""
    from tenfold.judging.foreign import find_pictures

    paths, errors = find_pictures(folder)
    if errors:
        which = f"{len(errors):,} of {len(paths) + len(errors):,} pictures"
        tell(f"{folder}: {which} cannot be opened, and are left out; the first is {errors[0]}")
    return _Pictures(f"pictures in {Path(folder).resolve().name}", paths, len(errors))


def _check_classes(split: Split, whole: Split, names: Sequence[str]) -> None:
    """Refuse images of one class. Raises OptionError where only the limit makes them so, else DataError."""
    if len(np.unique(split.labels)) != 1:
        return
    first = split.labels[0]
    others = np.flatnonzero(whole.labels != first)
    if not len(others):
        raise DataError("every image is of one class; expected at least two to judge a reader by")
    raise OptionError(
        f'the limit leaves images of one class only, "{names[first]}", and a report needs two at least: '
        f"give a limit of {others[0] + 1:,} or more"
    )


def choose_suites(suites: Sequence[str], folder: bool = False) -> tuple[str, ...]:
    """The suites asked for, in their order, with what is always among them. Raises OptionError."""
    for name in suites:
        if name not in (*SUITES, "all"):
            raise OptionError(f"expected a suite out of {', '.join(SUITES)}, all, got {name!r}")
    wanted = {"mnist", *(SUITES if "all" in suites else suites), *(["nondigits"] if folder else [])}
    return tuple(name for name in SUITES if name in wanted)


def _beside(reader: "Reader") -> list["Reader"]:
    """The classic network, where it says something about this reader."""
    try:
        classic = load(CLASSIC)
    except ReaderError:
        return []
    same = classic.card.weights_sha256 == reader.card.weights_sha256
    return [] if same or classic.labels != reader.labels else [classic]


def _judge_clean(reader: "Reader", split: Split, problems: NDArray[np.int64]) -> Clean:
    report = evaluate(reader, split)
    right = report.digits == report.labels
    risk = measure_risk(report.confidence, right)
    raw = untemper(report.probabilities, reader.card.temperature)
    return Clean(
        report=report,
        top2=score_top(report.probabilities, report.labels),
        classes=score_classes(report.confusion),
        problems=problems,
        problems_wrong=int(np.sum(~right[problems])),
        reliability=measure_reliability(report.confidence, right),
        brier=score_brier(report.probabilities, report.labels),
        nll=score_loss(report.probabilities, report.labels),
        nll_untempered=score_loss(raw, report.labels),
        risk=risk,
        coverage=risk.coverage_at(SURE_ENOUGH),
    )


def _score(reader: "Reader", images: Images, labels: NDArray[np.int64]) -> Outcome:
    probabilities, is_digit = answer(reader, images)
    right = probabilities.argmax(axis=1) == labels
    sure = probabilities.max(axis=1) * is_digit >= reader.card.threshold
    return Outcome(float(right.mean()), float(sure.mean()), float((sure & ~right).mean()))


def _corrupted(
    readers: Sequence["Reader"], split: Split, tell: Tell
) -> tuple[list[dict[str, Outcome]], dict[str, Images]]:
    from tenfold.judging.corruptions import CORRUPTIONS, corrupt

    outcomes: list[dict[str, Outcome]] = [{} for _ in readers]
    examples = {}
    for number, name in enumerate(CORRUPTIONS, 1):
        tell(f"corruption {number} of {len(CORRUPTIONS)}: {name}")
        images = corrupt(split.images, name)
        examples[name] = images[:5]
        for reader, found in zip(readers, outcomes, strict=True):
            found[name] = _score(reader, images, split.labels)
    return outcomes, examples


def _resembled(card: Card) -> dict[str, str]:
    from tenfold.judging.corruptions import RESEMBLED

    return RESEMBLED.get(card.recipe, {})


def _shifted(readers: Sequence["Reader"], split: Split, tell: Tell) -> list[dict[str, tuple[Outcome, ...]]]:
    from tenfold.judging.shifts import SHIFTS, shift

    images, labels = split.images[:SHIFTED], split.labels[:SHIFTED]
    outcomes: list[dict[str, tuple[Outcome, ...]]] = [{} for _ in readers]
    for change in SHIFTS:
        tell(f"shifts: {change.name}")
        steps = [shift(images, change, value) for value in change.values]
        for reader, found in zip(readers, outcomes, strict=True):
            found[change.name] = tuple(_score(reader, step, labels) for step in steps)
    return outcomes


def _nondigits(
    readers: Sequence["Reader"],
    confidences: Sequence[NDArray[np.float32]],
    pictures: _Pictures | None,
    tell: Tell,
) -> list[dict[str, Refused]]:
    """What each reader makes of letters, scribbles, both together, and the user's folder."""
    from tenfold.judging.foreign import draw_letters, draw_scribbles

    tell("drawing letters and scribbles")
    letters, scribbles = draw_letters(NONDIGITS), draw_scribbles(NONDIGITS)
    kinds = {
        "rendered letters": letters,
        "scribbles": scribbles,
        "letters and scribbles": np.concatenate([letters, scribbles]),
    }
    outcomes = []
    for reader, digits in zip(readers, confidences, strict=True):
        found = {kind: _refuse(reader, images, digits) for kind, images in kinds.items()}
        if pictures is not None:
            tell(f"{reader.card.name}: {pictures.kind}")
            answers = reader.predict_many(pictures.paths)
            images = np.stack([prediction.image for prediction in answers])
            given = np.array([prediction.confidence for prediction in answers], np.float32)
            names = [prediction.label or "nothing" for prediction in answers]
            refused = _surest(reader, images, given, names, digits)
            found[pictures.kind] = replace(refused, left_out=pictures.left_out)
        outcomes.append(found)
    return outcomes


def _refuse(reader: "Reader", images: Images, digits: NDArray[np.float32]) -> Refused:
    probabilities, is_digit = answer(reader, images)
    names = [reader.labels[digit] for digit in probabilities.argmax(axis=1)]
    return _surest(reader, images, probabilities.max(axis=1) * is_digit, names, digits)


def _surest(
    reader: "Reader",
    images: Images,
    confidence: NDArray[np.float32],
    names: Sequence[str],
    digits: NDArray[np.float32],
) -> Refused:
    surest = np.argsort(-confidence, kind="stable")[:SHOWN]
    return Refused(
        separation=separate(digits, confidence, reader.card.threshold),
        images=images[surest],
        read_as=tuple(names[index] for index in surest),
        confidence=tuple(float(confidence[index]) for index in surest),
    )
