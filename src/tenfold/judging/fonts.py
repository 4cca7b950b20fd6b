"""The fonts that come with Matplotlib, without loading Matplotlib."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from tenfold.errors import MissingExtraError


@cache
def open_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name, such as `DejaVuSans.ttf`; size: pixels of an em.

    Raises MissingExtraError where Matplotlib is not installed.
    """
    spec = find_spec("matplotlib")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder, "mpl-data", "fonts", "ttf", name)
        if path.exists():
            return ImageFont.truetype(str(path), size)
    raise MissingExtraError("drawing letters", "report")
