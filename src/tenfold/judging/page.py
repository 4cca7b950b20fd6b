"""The report's files: one page that needs nothing beside it, and the same figures as JSON."""

import base64
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold import __version__
from tenfold.data.writing import plain_name, written_aside
from tenfold.errors import MissingExtraError, RunError
from tenfold.judging.columns import Assessment, Judged, Refused
from tenfold.judging.shifts import SHIFTS
from tenfold.judging.summary import TOGETHER, UNLIKE, summarise
from tenfold.reading.spelling import percent

FORMAT = 1
PAGE, FIGURES = "report.html", "report.json"

Images = NDArray[np.uint8]


def check_extra(what: str = "a report") -> None:
    """Raise MissingExtraError, for what needs them, unless the packages of the extra `report` are here."""
    if any(find_spec(name) is None for name in ("jinja2", "matplotlib", "scipy")):
        raise MissingExtraError(what, "report")


@contextmanager
def claimed_report(out: str | Path | None, name: str) -> Iterator[Path]:
    """Make the folder for a report, and take it away again if the body fails.

    out: the folder itself; None is `runs/<time>-<name>-report` under the current folder, in the name a dash
        for what is no letter, digit or point.

    Raises RunError where it exists already and is not empty, or cannot be made.
    """
    own = f"{time.strftime('%Y%m%d-%H%M%S')}-{plain_name(name)}-report"
    folder = Path("runs", own) if out is None else Path(out)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        used = folder.is_dir() and any(path.name[0] != "." for path in folder.iterdir())
        folder.mkdir(parents=True, exist_ok=not used)
    except FileExistsError:
        raise RunError(f"{folder} exists already; a report never overwrites: name a new folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the folder cannot be made ({reason})") from None
    try:
        yield folder
    except BaseException:
        for path in (folder / PAGE, folder / FIGURES):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            for path in made:
                path.rmdir()
        raise


def write_report(assessment: Assessment, folder: Path) -> None:
    """Write `report.html` and `report.json` into a folder that is there.

    Raises:
        MissingExtraError: Jinja2 or Matplotlib is not here.
        RunError: the folder cannot be written.
    """
    figures = json.dumps(to_json(assessment), indent=1, allow_nan=False) + "\n"
    for name, text in ((PAGE, render_page(assessment)), (FIGURES, figures)):
        with written_aside(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")


def render_page(assessment: Assessment) -> str:
    """The report as one HTML page, its figures inside, no scripts. Raises MissingExtraError."""
    check_extra()
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": percent, "png": to_png, "strip": to_strip}
    reader = assessment.columns[0]
    return environment.get_template("report.html.j2").render(
        assessment=assessment,
        columns=assessment.columns,
        reader=reader,
        names=reader.clean.report.class_names,
        rows={row.name: row for row in summarise(assessment)},
        charts=_draw(assessment),
        shares=[_shares(column) for column in assessment.columns],
        version=__version__,
        together=TOGETHER,
        unlike=UNLIKE,
    )


def to_png(image: Images) -> str:
    """An image (h, w) uint8 as a `data:` address of a compressed PNG."""
    _, content = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return f"data:image/png;base64,{base64.b64encode(content.tobytes()).decode()}"


def to_strip(images: Images) -> str:
    """Images (n, 28, 28) side by side as one PNG."""
    return to_png(np.hstack(list(images)))


def _shares(column: Judged) -> NDArray[np.float64]:
    """Each row of a confusion matrix as shares of its label, 0-1."""
    confusion = column.clean.report.confusion
    return np.asarray(confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1), np.float64)


def _draw(assessment: Assessment) -> dict[str, str]:
    """Every chart the page shows, by name, as SVG."""
    from tenfold.judging import charts

    columns = assessment.columns
    figures = {
        "reliability": charts.reliability({one.name: one.clean.reliability for one in columns}),
        "risk": charts.risk({one.name: one.clean.risk for one in columns}),
    }
    for change in SHIFTS:
        if change.name in columns[0].shifted:
            lines = {one.name: one.shifted[change.name] for one in columns}
            figures[change.name] = charts.shift(change.values, change.unit, lines, change.name)
    return {name: charts.to_svg(figure) for name, figure in figures.items()}


def to_json(assessment: Assessment) -> dict[str, Any]:
    """The report's figures as plain values: shares are 0-1, what could not be measured is null."""
    content = {
        "format": FORMAT,
        "tenfold": __version__,
        "data": assessment.source,
        "suites": list(assessment.suites),
        "notes": list(assessment.notes),
        "resembled_corruptions": assessment.resembled,
        "readers": [_column_json(column, assessment.resembled) for column in assessment.columns],
        "mistakes": [
            {
                "index": one.index,
                "label": one.label,
                "answer": one.answer,
                "confidence": one.confidence,
                "top": [list(pair) for pair in one.top],
                "doubtful_label": one.problem,
                "nearest": [{"label": near.label, "distance": near.distance} for near in one.nearest],
            }
            for one in assessment.mistakes
        ],
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _column_json(column: Judged, resembled: Iterable[str]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": column.name,
        "card": asdict(column.card),
        "cost": asdict(column.cost),
        "clean": _clean_json(column),
    }
    if column.corrupted:
        unlike = column.mean_corrupted(tuple(resembled))
        content["corrupted"] = {
            "mean_accuracy": column.mean_corrupted(),
            "mean_accuracy_unlike_training": unlike if isfinite(unlike) else None,
            "each": {name: asdict(outcome) for name, outcome in column.corrupted.items()},
        }
    if column.shifted:
        content["shifted"] = {
            change.name: {
                "unit": change.unit,
                "steps": [
                    {"value": value, **asdict(outcome)}
                    for value, outcome in zip(change.values, column.shifted[change.name], strict=True)
                ],
            }
            for change in SHIFTS
        }
    if column.nondigits:
        content["nondigits"] = {kind: _refused_json(refused) for kind, refused in column.nondigits.items()}
    return content


def _clean_json(column: Judged) -> dict[str, Any]:
    clean, report = column.clean, column.clean.report
    return {
        "n": report.n,
        "accuracy": report.accuracy,
        "interval": report.interval,
        "loss": report.loss,
        "loss_name": report.loss_name,
        "top2": clean.top2,
        "sure": report.answered,
        "accuracy_where_sure": report.accuracy_answered,
        "class_names": report.class_names,
        "classes": asdict(clean.classes),
        "confusion": report.confusion,
        "doubtful_labels": {"n": len(clean.problems), "wrong": clean.problems_wrong},
        "ece": clean.reliability.error,
        "reliability": asdict(clean.reliability),
        "brier": clean.brier,
        "nll": clean.nll,
        "nll_untempered": clean.nll_untempered,
        "aurc": clean.risk.area,
        "coverage_at_99.9%_right": clean.coverage,
    }


def _refused_json(refused: Refused) -> dict[str, Any]:
    return {**asdict(refused.separation), "left_out": refused.left_out}


def _plain(value: Any) -> Any:
    """Values that JSON knows: arrays as lists, no NaN."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
