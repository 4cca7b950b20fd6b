"""Files that are there whole or not at all."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenfold.errors import RunError

LONGEST_NAME = 40
"""Characters of a name within a file's."""


def plain_name(name: str) -> str:
    """A name as a part of a file's: a dash for what is no letter, digit or point, and not too long.

    >>> plain_name("../my reader"), plain_name("$")
    ('my-reader', 'nameless')
    """
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:LONGEST_NAME] or "nameless"


def aside_of(path: Path) -> Path:
    """The name under which a file is written before it gets its own."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; sync it and give it its real name if all went well.

    Raises RunError where the disk is full or read-only; then nothing is left and what was there stays.
    """
    aside = aside_of(path)
    with suppress(OSError):
        aside.unlink()  # what a killed process left, or a link to somewhere else
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
        sync_folder(path.parent)
    except RunError:
        raise
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            aside.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder outlast a power cut, where the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
