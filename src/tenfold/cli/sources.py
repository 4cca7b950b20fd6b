"""What a PICTURE on the command line names: a path, a folder, a glob, or `-`."""

import glob
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenfold.cli.show import say

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Source:
    """One picture: the name to show, and the path or bytes to read, or the `error` in their place."""

    name: str
    picture: Path | bytes | None
    error: str | None = None


def name_error(source: Source, error: str) -> str:
    """An error's line with the picture's name before it, once and as it was given."""
    known = str(source.picture) if isinstance(source.picture, Path) else source.name
    return f"{source.name}: {error.removeprefix(f'{known}: ')}"


def find_sources(names: Sequence[str]) -> Iterator[Source]:
    """Yield what the names stand for, in the order given; folders and globs sorted by name.

    A name that stands for nothing is yielded with its `error`, so that the others are still read.
    """
    for name in names:
        if name == STANDARD_INPUT:
            yield _standard_input()
        elif not name:
            yield Source(name, None, "an empty name; expected a path, a folder, a glob, or -")
        elif Path(name).is_dir():
            yield from _folder(name)
        elif glob.has_magic(name) and not Path(name).exists():
            yield from _matches(name)
        else:
            yield Source(name, Path(name))


def _standard_input() -> Source:
    from tenfold.reading.decode import LARGEST_FILE

    if sys.stdin is None or sys.stdin.closed:
        return Source("-", None, "standard input is closed; expected a picture's bytes")
    if sys.stdin.isatty():
        say("reading a picture from standard input; Ctrl-C to stop")
    return Source("-", sys.stdin.buffer.read(LARGEST_FILE + 1))


def _folder(name: str) -> Iterator[Source]:
    from tenfold.reading.decode import SUFFIXES

    try:
        files = sorted(path for path in Path(name).iterdir() if path.name[0] != "." and not path.is_dir())
    except OSError as error:
        yield Source(name, None, f"the folder cannot be opened ({error.strerror})")
        return
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not pictures:
        yield Source(name, None, f"no pictures in this folder; those in folders below it: '{name}/**/*.png'")
    elif left_out := len(files) - len(pictures):
        say(f"{name}: {left_out} file{'s' if left_out > 1 else ''} without a picture's ending left out")
    for path in pictures:
        yield Source(str(path), path)


def _matches(pattern: str) -> Iterator[Source]:
    found = sorted(path for path in glob.glob(pattern, recursive=True) if not Path(path).is_dir())
    if not found:
        yield Source(pattern, None, "nothing matches this pattern; expected at least one picture")
    for path in found:
        yield Source(path, Path(path))
