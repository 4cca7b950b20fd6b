"""Links from the course to Tenfold's own lines, which are pages of the site.

    {tenfold}`making.networks.classic`                      the line where it is defined
    {tenfold}`making.networks.classic: MaxPooling2D`        the first line in it that holds these words

A name or words that are not there are a warning, and so fail a build with `-W`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

PACKAGE = Path(__file__).parents[2] / "src" / "tenfold"


def find_line(target: str) -> tuple[Path, int]:
    """The file and line that `room.module.name` or `room.module.name: words` stand for.

    Raises LookupError where there is no such name, or the words are not in it.
    """
    name, _, words = (part.strip() for part in target.partition(":"))
    path, inner = _find_module(name)
    text = path.read_text("utf-8")
    node: ast.AST = ast.parse(text)
    for part in inner:
        node = _find_inside(node, part, name)
    lines = text.splitlines()
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", len(lines))
    if words:
        holding = [number for number in range(first, last + 1) if words in lines[number - 1]]
        if not holding:
            raise LookupError(f"no line of {name} holds {words!r}")
        first = holding[0]
    return path, first


def find_object(target: str) -> ast.AST:
    """The syntax tree of `room.module.name`. Raises LookupError where there is none."""
    path, inner = _find_module(target)
    node: ast.AST = ast.parse(path.read_text("utf-8"))
    for part in inner:
        node = _find_inside(node, part, target)
    return node


def _find_module(name: str) -> tuple[Path, list[str]]:
    parts = name.removeprefix("tenfold.").split(".")
    for count in range(len(parts), 0, -1):
        base = PACKAGE.joinpath(*parts[:count])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path, parts[count:]
    raise LookupError(f"Tenfold has no module of the name {name!r}")


def _find_inside(holder: ast.AST, part: str, name: str) -> ast.AST:
    for node in getattr(holder, "body", []):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = {getattr(node, "name", None), *(getattr(target, "id", None) for target in targets)}
        if part in named:
            return node
    raise LookupError(f"Tenfold has nothing of the name {name!r}")


class TenfoldRole(SphinxRole):
    """A link to a line of Tenfold."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link, or a warning."""
        try:
            path, line = find_line(self.text)
        except LookupError as error:
            logging.getLogger(__name__).warning("%s", error, location=self.get_location())
            return [nodes.literal(text=self.text)], []
        inside = path.relative_to(PACKAGE)
        page = _page_of(path)
        address = self.env.app.builder.get_relative_uri(self.env.docname, page)
        link = nodes.reference(refuri=f"{address}#line-{line}", internal=True)
        link += nodes.literal(text=f"{inside.as_posix()}, line {line}")
        return [link], []


def _page_of(path: Path) -> str:
    return "source/" + path.relative_to(PACKAGE).with_suffix("").as_posix().replace("__init__", "init")


def _make_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, str], str]]:
    """Every module of Tenfold as a page."""
    formatter = HtmlFormatter(linenos="inline", linespans="line", wrapcode=True)
    for path in sorted(PACKAGE.rglob("*.py")):
        code = highlight(path.read_text("utf-8"), PythonLexer(), formatter)
        name = f"src/tenfold/{path.relative_to(PACKAGE).as_posix()}"
        body = f'<div class="source-page"><h1>{name}</h1>{code}</div>'
        yield _page_of(path), {"title": name, "body": body}, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_role("tenfold", TenfoldRole())
    app.connect("html-collect-pages", _make_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
