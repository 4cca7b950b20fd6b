"""Pages: from a decoded picture to the strips of ink that a line network reads, and back to polygons."""

from tenfold.reading.pages.layout import fields, layout, layouts
from tenfold.reading.pages.shapes import Edges, Layout, Line, Rule
from tenfold.reading.pages.tight import is_tight, tight

__all__ = ["Edges", "Layout", "Line", "Rule", "fields", "is_tight", "layout", "layouts", "tight"]
