"""Lines for people and programs: results on standard output, everything else on standard error."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO


class OutputClosed(Exception):
    """Whoever was reading standard output has left (`| head`): nothing more needs to be said."""


def write(line: str = "") -> None:
    """Print one line of the result at once, whatever its characters and the terminal's encoding."""
    _print(line, sys.stdout)


def tell(line: str) -> None:
    """Print how far the work has come, beside the result."""
    _print(show_name(line), sys.stderr)


def say(line: str) -> None:
    """Print an error, a warning or a remark beside the result, with our name before it."""
    _print(f"tenfold: {show_name(line)}", sys.stderr)


def _print(line: str, stream: TextIO | None) -> None:
    if stream is None:  # closed before we started (`>&-`)
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError as error:
        if stream is not sys.stderr:  # what nobody hears of is done all the same
            raise OutputClosed from error


def show_name(text: str) -> str:
    r"""Make a file's name or a message safe for one line: a newline becomes `\n`, an escape code `\x1b`."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def json_line(content: Mapping[str, object]) -> str:
    r"""One JSON object on a line; bytes of a file's name that are no text are escaped, as in CSV.

    >>> print(json_line({"source": "f\udcff.png"}))
    {"source": "f\\udcff.png"}
    """
    return json.dumps(_legible(content))


def _legible(value: object) -> object:
    """The same with no lone surrogates, which no JSON parser need take (RFC 8259, section 8.2)."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {key: _legible(entry) for key, entry in value.items()}
    return [_legible(entry) for entry in value] if isinstance(value, list) else value


def csv_line(cells: Iterable[str]) -> str:
    """Join cells to one row of a CSV, quoted where needed.

    >>> csv_line(["a,b", "", "7"])
    '"a,b",,7'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def system_reason(error: OSError) -> str:
    """Say in one line what the system refused."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def interval_text(interval: tuple[float, float]) -> str:
    """A 95% interval of a share, 0-1.

    >>> interval_text((0.9901, 0.99361))
    '95% interval 99.01% to 99.36%'
    """
    low, high = interval
    return f"95% interval {100 * low:.2f}% to {100 * high:.2f}%"


def score_line(accuracy: float, loss: float, of: str = "Test") -> str:
    """The line that every training and evaluation ends with.

    >>> score_line(0.9917, 0.02649)
    'Test accuracy: 99.17%  Test loss: 0.0265'
    """
    return f"{of} accuracy: {100 * accuracy:.2f}%  {of} loss: {loss:.4f}"


def title(text: str) -> None:
    """Print a chapter's title, bold on a terminal."""
    write()
    bold = sys.stdout is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    write(f"\x1b[1m{text}\x1b[0m" if bold else text)
