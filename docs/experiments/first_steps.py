"""Run examples/first_steps.py in full, as it stands, and keep what its training and its test printed.

python docs/experiments/first_steps.py         writes docs/experiments/first_steps.json
"""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "first_steps.py"
EPOCH = re.compile(r"accuracy: ([\d.]+) - loss: ([\d.]+) - val_accuracy: ([\d.]+) - val_loss: ([\d.]+)")


def main() -> None:
    """Run, read what was printed, write."""
    whole = {name: value for name, value in os.environ.items() if name not in {"EPOCHS", "LIMIT"}}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=whole | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout)
    rows = [
        [str(epoch), f"{float(a):.2%}", loss, f"{float(b):.2%}", held_loss]
        for epoch, (a, loss, b, held_loss) in enumerate(EPOCH.findall(done.stdout), 1)
    ]
    (test,) = re.findall(r"^Test accuracy: .+$", done.stdout, re.MULTILINE)
    found = {
        "command": "python docs/experiments/first_steps.py",
        "made": f"two cores, {datetime.now(UTC):%B %Y}; one run, 54,000 training images",
        "columns": ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"],
        "rows": rows,
        "test": test,
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
