"""Every error the package raises on purpose.

    TenfoldError
    ├── OptionError          a choice that does not exist, or makes no sense with the others
    ├── DataError            a data set that is missing, damaged or of the wrong shape
    ├── PictureError         a picture that cannot be read
    │   └── NoInkError       a picture with nothing written on it
    ├── ReaderError          a reader's file that is missing, damaged or not one of ours
    ├── RunError             a run folder that exists, is missing, incomplete or cannot be written
    ├── TrainingError        a training that cannot go on (a loss that is not finite, say)
    └── MissingExtraError    a package that an extra of Tenfold installs is not here

Each carries one line for the user: what was wrong, what was expected, what came, what to do. Where a page of
the course explains more than the line can, it ends with the command that opens it.
Catch `TenfoldError` to catch them all.
"""

from collections.abc import Iterable


class TenfoldError(Exception):
    """The root of everything this package raises on purpose."""


class OptionError(TenfoldError, ValueError):
    """A choice that does not exist, or makes no sense with the others."""


class DataError(TenfoldError, ValueError):
    """A data set that is missing, damaged or of the wrong shape."""


class PictureError(TenfoldError, ValueError):
    """A picture that cannot be read."""


class NoInkError(PictureError):
    """A picture with nothing written on it."""


class ReaderError(TenfoldError, ValueError):
    """A reader's file that is missing, damaged or not one of ours."""


class RunError(TenfoldError, OSError):
    """A run folder that exists, is missing, is incomplete or cannot be written."""


class TrainingError(TenfoldError, RuntimeError):
    """A training that cannot go on."""


class MissingExtraError(TenfoldError, ImportError):
    """A package that one of Tenfold's extras installs is not here."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the extra "{extra}": {pip_line(extra)}')
        self.extra = extra


def see(topic: str) -> str:
    """The end of a message that a page of the course explains.

    >>> see("learning_rate")
    ' (tenfold docs learning_rate)'
    """
    return f" (tenfold docs {topic})"


def some_of(names: Iterable[str], most: int = 5) -> str:
    """The first of many names, with dots where there are more.

    >>> some_of(["a", "b"]), some_of("abcd", 3)
    ('a, b', 'a, b, c, ...')
    """
    names = list(names)
    return ", ".join(names if len(names) <= most else [*names[:most], "..."])


def pip_line(extra: str) -> str:
    """The line that adds an extra to this installation: from its own folder, or from the package index."""
    import json  # here, for every start of the command loads this module
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path
    from urllib.parse import unquote, urlparse

    try:
        origin = json.loads(distribution("tenfold").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        origin = {}
    folder = unquote(urlparse(origin.get("url", "")).path)
    if origin.get("dir_info") is None or not Path(folder, "pyproject.toml").exists():
        return f'pip install "tenfold[{extra}]"'
    editable = "-e " if origin["dir_info"].get("editable") else ""
    return f'pip install {editable}"{folder}[{extra}]"'
