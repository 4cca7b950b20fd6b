"""Measure the classic recipe as published: the mean test accuracy over seeds, with its spread.

python benchmarks/classic.py                   writes benchmarks/results/classic.json

Nothing is chosen here: the recipe is fixed, and each seed's reader meets the test images once, at the end.
"""

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev

import tenfold
from tenfold.making.surroundings import describe_machine, describe_versions

RESULTS = Path(__file__).parent / "results" / "classic.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, help="keep the run folders here, one a seed")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in asked.seeds:
            run = tenfold.train("classic", seed=seed, out=(asked.out or Path(scratch)) / f"seed-{seed}")
            figures = run.figures
            rows.append({"seed": seed, **figures, "fit_seconds": run.metrics["seconds"]["fit"]})
            print(
                f"seed {seed}: Test accuracy: {figures['test_accuracy']:.2%}"
                f"  Test loss: {figures['test_loss']:.4f}  fit {rows[-1]['fit_seconds']:.0f} s",
                flush=True,
            )
    accuracies = [100 * row["test_accuracy"] for row in rows]
    spread = stdev(accuracies) if len(rows) > 1 else 0.0
    print(
        f"classic, {len(rows)} seeds: {mean(accuracies):.2f} ± {spread:.2f} % of the test images read right"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    content = {
        "what": "the classic recipe: test accuracy in percent, mean and standard deviation over seeds",
        "mean": round(mean(accuracies), 3),
        "sd": round(spread, 3),
        "rows": rows,
        "recipe": run.metrics["recipe"],
        "data": {name: run.metrics["data"][name] for name in ("sha256", "train", "validation", "test")},
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
