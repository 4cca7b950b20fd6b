"""Pages: from a decoded picture to the strips of ink that a line network reads, and back to polygons."""

from tenfold.reading.pages.layout import fields, layout, layouts
from tenfold.reading.pages.shapes import Edges, Layout, Line, Rule
from tenfold.reading.pages.tight import crop_of_line, tight

__all__ = [
    "Edges",
    "Layout",
    "Line",
    "Rule",
    "crop_of_line",
    "fields",
    "layout",
    "layouts",
    "tight",
]
