"""Tables of experiments that take too long to run with the page.

`docs/experiments/NAME.json` holds what was measured and how:

    {"command": "python docs/experiments/NAME.py",  what makes this file again
     "made": "two cores, July 2026; 3 seeds",       where, when, how often
     "columns": ["network", "accuracy"],
     "rows": [["classic", "99.0 ± 0.1 %"]]}         texts as they are shown, or numbers

Whatever else a figure is drawn from stands beside these, under names of its own.

    ```{experiment} NAME                            shows the table, the command and where it was made
    ```
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).parents[1] / "experiments"
FIELDS = ("command", "made", "columns", "rows")


def load(name: str) -> dict[str, Any]:
    """What an experiment found. Raises ValueError where the file is missing or lacks a field."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"there is no {path.name} in docs/experiments")
    found = json.loads(path.read_text("utf-8"))
    missing = [field for field in FIELDS if field not in found]
    if missing:
        raise ValueError(f"docs/experiments/{path.name} lacks {', '.join(missing)}")
    if any(len(row) != len(found["columns"]) for row in found["rows"]):
        raise ValueError(f"docs/experiments/{path.name}: a row has not as many cells as there are columns")
    return found


class Experiment(SphinxDirective):
    """The table of an experiment, from its file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table and the line below it."""
        name = self.arguments[0]
        self.env.note_dependency(str(FOLDER / f"{name}.json"))
        try:
            found = load(name)
        except ValueError as error:
            logging.getLogger(__name__).warning("%s", error, location=self.get_location())
            return []
        head, *rows = [" | ".join(str(cell) for cell in row) for row in (found["columns"], *found["rows"])]
        rule = " | ".join("---" for _ in found["columns"])
        table = "\n".join(f"| {line} |" for line in (head, rule, *rows))
        measured = nodes.paragraph(classes=["measured"])
        measured += [nodes.Text("Measured by "), nodes.literal(text=found["command"])]
        measured += nodes.Text(f" ({found['made']}).")
        return [*self.parse_text_to_nodes(table), measured]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("experiment", Experiment)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
