"""Bytes from files that nobody vouches for: capped, unpacked, and failing in one clear line."""

import gzip
import zlib
from pathlib import Path

from tenfold.errors import DataError

CAP = 2 * 1024**3
"""The most that is read or unpacked from one source, in bytes."""

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"


def size_text(size: int) -> str:
    """Name a size in bytes for people.

    >>> size_text(10_000), size_text(47_040_000)
    ('10000 bytes', '44.9 MiB')
    """
    return f"{size} bytes" if size < 1024**2 else f"{size / 1024**2:.1f} MiB"


def file_error(path: Path, error: OSError) -> DataError:
    """Say in one line why the system could not read a file."""
    return DataError(f"cannot read {path}: {error.strerror or error}")


def read_file(path: Path, cap: int = CAP) -> bytes:
    """Read a file whole, unpacking it where it is gzipped.

    Raises: DataError for a file that is missing, unreadable, damaged, or more than `cap` bytes unpacked.
    """
    return _read(path, cap, whole=True)


def read_head(path: Path, count: int = 4096) -> bytes:
    """Read the first bytes of a file, unpacking them where it is gzipped.

    Raises: DataError for a file that is missing, unreadable or damaged from its start.
    """
    return _read(path, count, whole=False)


def _read(path: Path, cap: int, *, whole: bool) -> bytes:
    try:
        with path.open("rb") as file:
            zipped = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if not zipped:
                content = file.read(cap + 1 if whole else cap)
            else:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    content = unpacked.read(cap + 1 if whole else cap)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged or cut off, so it cannot be unpacked ({error})") from error
    except OSError as error:
        raise file_error(path, error) from error
    if len(content) > cap:
        raise DataError(f"{path}: more than {size_text(cap)} once unpacked; at most that is read")
    return content
