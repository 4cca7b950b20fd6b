"""Pictures with what was read drawn on them, written to a folder that may hold other things."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tenfold.cli.show import say
from tenfold.cli.sources import STANDARD_INPUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenfold.reading import Page

_FORBIDDEN = '<>:"/\\|?*'  # in a file's name, on one system or another
_LONGEST = 200  # bytes of a name: systems allow 255, with the ending


class Overlays:
    """Writes overlays into one folder, made if it is not there; never over a file that is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def write(self, name: str, values: "NDArray[np.uint8]", page: "Page") -> Path:
        """Draw a page on its picture and write it as PNG under its picture's name.

        A name that is taken gets a number, which is said. Raises OSError where it cannot be written.
        """
        import cv2

        from tenfold.reading.overlay import draw_page

        drawn = draw_page(values, page)
        content = cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes()
        wanted = file_name(name)
        path, count = self.folder / f"{wanted}.png", 1
        while not _write_new(path, content):
            count += 1
            path = self.folder / f"{wanted} ({count}).png"
        if count > 1:
            say(f"{name}: its overlay is {path}, for {wanted}.png was there")
        return path


def file_name(source: str) -> str:
    r"""A picture's name as a file's name on any system, without its folder.

    >>> file_name("forms/a.pdf#2"), file_name("-"), file_name("what?\n.png")
    ('a.pdf#2', 'standard input', 'what__.png')
    """
    if source.split("#")[0] == STANDARD_INPUT:
        source = source.replace(STANDARD_INPUT, "standard input", 1)
    name = source.rstrip("/").rpartition("/")[2]
    kept = "".join(c if c.isprintable() and c not in _FORBIDDEN else "_" for c in name)
    return kept.encode()[:_LONGEST].decode(errors="ignore")


def _write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all; False where there is one."""
    try:
        file = path.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(content)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return True
