"""Bytes from files that nobody vouches for: capped, unpacked, and failing in one clear line."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tenfold.errors import DataError

CAP = 2 * 1024**3
"""The most that is read or unpacked from one source, in bytes."""

_GZIP = b"\x1f\x8b"


def size_text(size: int) -> str:
    """Name a size in bytes for people.

    >>> size_text(10_000), size_text(47_040_000)
    ('10000 bytes', '44.9 MiB')
    """
    return f"{size} bytes" if size < 1024**2 else f"{size / 1024**2:.1f} MiB"


def quoted(text: str) -> str:
    """Show a piece of a file in a message: short, on one line, nothing in it that acts on a terminal.

    >>> quoted("pixel7"), quoted("a\\nlong story about nothing much")
    ("'pixel7'", "'a\\\\nlong story about nothin...'")
    """
    return repr(text if len(text) <= 25 else text[:25] + "...")


def one_line(error: Exception) -> str:
    """Give what an error of another library says as a short piece of a line.

    >>> one_line(ValueError("bad\\n  magic"))
    'bad magic'
    """
    return " ".join(str(error).split())[:200]


def file_error(path: Path, error: OSError) -> DataError:
    """Say in one line why the system could not read a file."""
    return DataError(f"cannot read {path}: {error.strerror or error}")


def list_folder(folder: Path) -> list[Path]:
    """List what a folder holds, but for hidden things.

    Raises: DataError for a folder that cannot be read.
    """
    try:
        return [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise file_error(folder, error) from error


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its bytes, unpacked as they come where it is gzipped.

    Raises: DataError for a file that is missing, unreadable, or damaged where it is read.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if not zipped:
                yield file
            else:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast(IO[bytes], unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: damaged or cut off, so it cannot be unpacked ({one_line(error)})"
        ) from error
    except OSError as error:
        raise file_error(path, error) from error


def read_file(path: Path, cap: int = CAP) -> bytes:
    """Read a file whole, unpacked where it is gzipped.

    Raises: DataError for a file that is missing, unreadable, damaged, or more than `cap` bytes unpacked.
    """
    with open_file(path) as file:
        content = file.read(cap + 1)
    if len(content) > cap:
        raise DataError(f"{path}: more than {size_text(cap)} once unpacked; at most that is read")
    return content


def read_head(path: Path, count: int = 4096) -> bytes:
    """Read the first bytes of a file, unpacked where it is gzipped.

    Raises: DataError for a file that is missing, unreadable, or damaged from its start.
    """
    with open_file(path) as file:
        return file.read(count)
