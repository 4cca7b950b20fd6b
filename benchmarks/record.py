"""What the benchmarks share: tables in the README's form, and results that say where they were measured."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tenfold import __version__
from tenfold.making.surroundings import describe_processor

RESULTS = Path(__file__).parent / "results"


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, its columns aligned for reading as it stands."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def write_result(path: Path, content: dict[str, Any], packages: Sequence[str]) -> None:
    """Write what was measured, with the date, the machine, its load, and the versions of `packages`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        **content,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_processor(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {
            "tenfold": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")
