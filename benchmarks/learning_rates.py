"""Choose each optimizer's default learning rate on held-out training images, never on the test set.

python benchmarks/learning_rates.py            writes benchmarks/results/learning_rates.json

Chosen is the smallest rate within half a point of the best: the classic recipe takes nine times as many steps
as this does, and longer trainings want smaller rates. Adam alone keeps Keras' 0.001, which the classic recipe
is published with.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import tenfold
from tenfold.errors import TrainingError
from tenfold.making.backend import keras
from tenfold.making.fitting import fit_stock
from tenfold.making.networks import build_network
from tenfold.making.recipes import OPTIMIZERS, recipe
from tenfold.making.surroundings import describe_machine, describe_versions

RESULTS = Path(__file__).parent / "results" / "learning_rates.json"
MARGIN = 0.005
RATES = {
    "sgd": (0.01, 0.03, 0.1, 0.2, 0.3),
    "rmsprop": (0.0003, 0.0005, 0.001, 0.002, 0.003),
    "adagrad": (0.001, 0.01, 0.02, 0.03, 0.05, 0.1),
    "adadelta": (0.001, 0.1, 0.3, 1.0, 2.0, 3.0),
    "adam": (0.0003, 0.001, 0.002, 0.003, 0.01),
}


def measure(data: tenfold.Dataset, optimizer: str, rate: float, seed: int, epochs: int) -> float | None:
    """The validation accuracy after the last epoch; None where the loss was not finite."""
    chosen = recipe("classic", optimizer=optimizer, learning_rate=rate, epochs=epochs)
    keras.utils.set_random_seed(seed)
    model = build_network(chosen.network, len(data.class_names), chosen.activation)
    try:
        fitted = fit_stock(model, chosen, data, seed, tell=lambda event: None)
    except TrainingError:
        return None
    return round(fitted.history[-1]["val_accuracy"], 4)


def choose_rates(rows: list[dict[str, Any]]) -> dict[str, float]:
    """For each optimizer the smallest rate whose accuracy is within MARGIN of its best."""
    chosen = {}
    for optimizer in RATES:
        found = {
            row["rate"]: row["validation_accuracy"] or 0.0 for row in rows if row["optimizer"] == optimizer
        }
        chosen[optimizer] = min(rate for rate in found if found[rate] >= max(found.values()) - MARGIN)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=10_000, help="training images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    data = tenfold.load_mnist(validation=6000, limit=asked.limit)
    rows = []
    for optimizer, rates in RATES.items():
        for rate in rates:
            found = [measure(data, optimizer, rate, seed, asked.epochs) for seed in asked.seeds]
            accuracy = None if None in found else round(mean(found), 4)
            rows.append(
                {"optimizer": optimizer, "rate": rate, "validation_accuracy": accuracy, "seeds": found}
            )
            mark = "  default" if rate == OPTIMIZERS[optimizer] else ""
            print(
                f"{optimizer:10}{rate:<8g}{'diverged' if accuracy is None else f'{accuracy:.2%}'}{mark}",
                flush=True,
            )
    RESULTS.parent.mkdir(exist_ok=True)
    content = {
        "what": "validation accuracy of the classic network by optimizer and learning rate",
        "images": asked.limit,
        "validation_images": len(data.validation),
        "epochs": asked.epochs,
        "seeds": asked.seeds,
        "chosen": choose_rates(rows),
        "rows": rows,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
