"""Formulas as MathML, which browsers draw themselves: no script, nothing fetched."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def _convert(node: nodes.Element, block: bool) -> str:
    try:
        return str(tex2mathml(node.astext().replace(r"\dots", r"\ldots"), as_block=block))
    except Exception as error:
        raise ExtensionError(f"a formula cannot be read: {node.astext()}\n{error}") from error


def inline(self, node: nodes.Element) -> None:
    """Write a formula within a line."""
    self.body.append(_convert(node, block=False))
    raise nodes.SkipNode


def display(self, node: nodes.Element) -> None:
    """Write a formula on lines of its own; one that is too wide scrolls by itself."""
    self.body.append(f'<div class="formula">{_convert(node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
