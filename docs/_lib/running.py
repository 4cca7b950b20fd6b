"""Runs the pages' code, keeps what it gave, and puts it into the pages.

`docs/_cache/NAME.json` holds what the code cells of one page gave, under a key: the hash of all its code, of
the course's style, of the files in `experiments/` that the code names, and of the shipped reader where the
code loads it. A page whose key is not there is run when the site is built; an error in it fails the build.

    python docs/_lib/running.py docs/concepts/softmax.md ...      run these pages now, whatever is known
"""

import ast
import base64
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

DOCS = Path(__file__).parents[1]
CACHE = DOCS / "_cache"
STYLE = Path(__file__).parent / "style.py"
WEIGHTS = DOCS.parent / "src" / "tenfold" / "weights" / "SHA256SUMS"
COLOURS = 64  # of a picture: eight bits a pixel, and little to compress
SLOWEST = 1200  # seconds for one cell, on a busy machine
FORMAT = 1

_FILE = re.compile(r"experiments/[\w.-]+")
_LOADS_READER = re.compile(r"tenfold\.load\(\)|tenfold (?:predict|read|evaluate)\b")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_REMARK = re.compile(r"^([IW]\d{4} |WARNING: All log messages before absl|\d{4}-\d\d-\d\d .*: [IW] )")
_SURROUNDINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    # One thread adds up in one order, whatever the machine.
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "COLUMNS": "80",
}


def find_pages() -> list[Path]:
    """Every page that has code to run."""
    folders = ("start", "script", "concepts", "guides")
    found = [DOCS / "index.md", *(page for name in folders for page in sorted((DOCS / name).glob("*.md")))]
    return [page for page in found if "```{code-cell}" in page.read_text("utf-8")]


def read_cells(text: str) -> NotebookNode:
    """A page's text as a notebook, its code not yet run."""
    notebook = read_myst_markdown_notebook(text, add_source_map=True)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    for cell in notebook.cells:
        if "alt" in cell.metadata:
            cell.metadata["mystnb"] = {"image": {"alt": cell.metadata["alt"]}}
    return notebook


def key_of(notebook: NotebookNode) -> str:
    """What decides what the code gives, as one hash."""
    code = "\n\f\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    style = ast.unparse(ast.parse(STYLE.read_text("utf-8")).body[1:])  # without what it says of itself
    parts = [str(FORMAT).encode(), style.encode(), code.encode()]
    for name in sorted(set(_FILE.findall(code))):
        path = DOCS / name
        parts.append(path.read_bytes() if path.is_file() else b"")
    if _LOADS_READER.search(code):
        parts.append(WEIGHTS.read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def place_of(page: Path) -> Path:
    """Where a page's outputs are kept."""
    return CACHE / ("-".join(page.relative_to(DOCS).with_suffix("").parts) + ".json")


def read(text: str) -> NotebookNode:
    """A page's text as a notebook, with what its code gave: what MyST-NB calls for every page."""
    notebook = read_cells(text)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not code:
        return notebook
    key = key_of(notebook)
    kept = [path for path in CACHE.glob("*.json") if f'"key": "{key}"' in path.read_text("utf-8")[:200]]
    if not kept:
        logging.getLogger(__name__).warning("a page was not run: %s", text.partition("\n")[0])
        return notebook
    outputs = json.loads(kept[0].read_text("utf-8"))["outputs"]
    for number, (cell, given) in enumerate(zip(code, outputs, strict=True), 1):
        cell.execution_count = number
        cell.outputs = [nbformat.from_dict(output) for output in given]
    return notebook


def run(page: Path) -> float:
    """Run a page's code and keep what it gives. Returns the seconds it took.

    Raises ExtensionError with the traceback where a cell fails, or writes to standard error.
    """
    notebook = read_cells(page.read_text("utf-8"))
    key = key_of(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    clock = time.perf_counter()
    before = nbformat.v4.new_code_cell(
        f"import sys\nsys.path.insert(0, {str(STYLE.parent)!r})\nimport style\nsys.path.pop(0)\n"
        "%matplotlib inline\nstyle.use()"
    )
    running = nbformat.v4.new_notebook(
        cells=[before, *(nbformat.v4.new_code_cell(cell.source) for cell in code)]
    )
    with tempfile.TemporaryDirectory() as folder:
        # Where a learner would be, an empty folder; with the files that experiments left.
        (Path(folder) / "experiments").symlink_to(DOCS / "experiments")
        client = NotebookClient(
            running,
            timeout=SLOWEST,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env={**os.environ, **_SURROUNDINGS}, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            raise ExtensionError(
                f"{page.relative_to(DOCS)}: a code cell failed\n{_COLOUR.sub('', str(error))}"
            ) from None
    outputs = [
        [_tidy(output, page) for output in cell.outputs if not _is_remark(output)]
        for cell in running.cells[1:]
    ]
    seconds = time.perf_counter() - clock
    CACHE.mkdir(exist_ok=True)
    content = {"key": key, "outputs": outputs}
    place_of(page).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return seconds


def _is_remark(output: NotebookNode) -> bool:
    """Whether this is nothing but TensorFlow's own log as it is loaded."""
    if output.output_type != "stream" or output.name != "stderr":
        return False
    return all(_REMARK.match(line) for line in output.text.splitlines() if line.strip())


def _tidy(output: NotebookNode, page: Path) -> dict[str, Any]:
    """An output as it is kept: pictures made small, what depends on the moment left out."""
    if output.output_type == "stream" and output.name == "stderr":
        raise ExtensionError(f"{page.relative_to(DOCS)}: written to standard error: {output.text[:2000]}")
    kept = dict(output)
    kept.pop("execution_count", None)
    if output.output_type == "stream":
        kept["text"] = _without_folders(output.text)
    if output.output_type == "execute_result":
        kept["output_type"] = "display_data"
    if "data" in output:
        kept["metadata"] = {}
        kept["data"] = dict(output.data)
        if "image/png" in output.data:
            kept["data"] = {"image/png": _shrink(output.data["image/png"])}
    return kept


def _without_folders(text: str) -> str:
    """A text without the folders of the machine it was printed on, in front of Tenfold's own files."""
    package = importlib.util.find_spec("tenfold")
    installed = Path(package.origin).parents[1] if package and package.origin else DOCS.parent
    return text.replace(f"{installed}{os.sep}", "…/")


def _shrink(png: str) -> str:
    """A picture in base64 with at most 64 colours."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def is_kept(page: Path) -> bool:
    """Whether what the page's code gives is known already."""
    place = place_of(page)
    key = key_of(read_cells(page.read_text("utf-8")))
    return place.exists() and json.loads(place.read_text("utf-8"))["key"] == key


def _run_what_changed(app: Sphinx) -> None:
    """Run the pages whose outputs are not known; all, or none, where TENFOLD_DOCS_RUN says so."""
    say = logging.getLogger(__name__)
    asked = os.environ.get("TENFOLD_DOCS_RUN", "changed")
    if asked == "none":
        return
    pages = find_pages()
    for page in pages:
        if asked == "all" or not is_kept(page):
            say.info("running %s ...", page.relative_to(DOCS))
            say.info("    %.0f s", run(page))
    for left in set(CACHE.glob("*.json")) - {place_of(page) for page in pages}:
        left.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _run_what_changed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {run(Path(name).resolve()):.0f} s")
