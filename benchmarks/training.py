"""What training costs and gives, beside stock Keras and plain PyTorch, all in one run.

    python benchmarks/training.py [--recipes fast] [--seeds 5]      writes benchmarks/results/training.json

Measure on a quiet machine: the load at the start is printed, and stored with the figures. `tenfold benchmark`
measures the same with one seed, and without what shows how cost grows.
"""

import argparse
import os
from pathlib import Path

from record import RESULTS

from tenfold.cli.benchmarking import show_benchmark, show_row
from tenfold.making import benchmark
from tenfold.making.benchmarking.measurement import PARTS, draw_benchmark, write_json


def main() -> None:
    """Measure, print the tables, write the result and its picture."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--recipes", nargs="+", default=["fast"])
    words.add_argument("--parts", nargs="+", default=PARTS, help=f"out of {', '.join(PARTS)}")
    words.add_argument("--seeds", type=int, default=5, help="trainings of each recipe")
    words.add_argument("--stock", type=int, default=1, help="trainings of stock Keras, and of PyTorch")
    words.add_argument("--limit", type=int, help="training images, for trying things")
    words.add_argument("--json", type=Path, default=RESULTS / "training.json", metavar="FILE")
    asked = words.parse_args()
    if hasattr(os, "getloadavg"):
        print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n", flush=True)
    found = benchmark(
        asked.recipes,
        parts=asked.parts,
        seeds=asked.seeds,
        stock=asked.stock,
        limit=asked.limit,
        on_row=show_row,
    )
    show_benchmark(found)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    write_json(found, asked.json)
    draw_benchmark(found, asked.json.with_suffix(".png"))
    print(f"\nwritten to {asked.json} and {asked.json.with_suffix('.png').name}")


if __name__ == "__main__":
    main()
