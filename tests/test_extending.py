"""docs/architecture.md says how to add things; here it is done, on a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tenfold
from tenfold.data import load_mnist

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
WALKS = dict(
    re.findall(r"^### (A [^\n]+)\n(.*?)(?=^##|\Z)", TEXT.split("## How to add")[1], re.MULTILINE | re.DOTALL)
)
HEAVY = {".npz", ".onnx"}


def change(walk: str, folder: Path) -> None:
    """Make the changes of a walk in a copy of the repository's `src`."""
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL)
    for name, hunks in re.findall(r"^--- (\S+)\n(.*?)(?=^--- |\Z)", diff, re.MULTILINE | re.DOTALL):
        path = folder / name
        for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines(keepends=True)
            assert {line[0] for line in lines if line.strip()} <= set("+- "), hunk
            before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
            after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
            if not before:
                assert not path.exists(), f"{name} exists; say where in it the lines go"
                path.write_text(after, "utf-8")
                continue
            text = path.read_text("utf-8")
            assert f"\n{text}".count(f"\n{before}") == 1, f"not once in {name}:\n{before}"
            path.write_text(f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:], "utf-8")


@pytest.fixture
def changed(tmp_path):
    """Makes a walk's changes; gives a function that runs Python or the command on the changed package."""

    def make(name: str):
        package = Path(tenfold.__file__).parent
        copy = tmp_path / "src" / "tenfold"
        shutil.copytree(package, copy, ignore=lambda _, names: {n for n in names if Path(n).suffix in HEAVY})
        for path in (path for path in package.rglob("*") if path.suffix in HEAVY):
            (copy / path.relative_to(package)).symlink_to(path)
        change(WALKS[name], tmp_path)

        def run(*words: str, code: int = 0) -> str:
            environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "200"}
            command = [sys.executable, *words]
            done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout + done.stderr

        return run

    return make


def test_four_things_are_told():
    assert list(WALKS) == ["A recipe", "A data set", "A dial", "A corruption"]


@pytest.mark.slow
def test_a_recipe_is_added(changed, tmp_path):
    run = changed("A recipe")
    few = ("--limit", "600", "--epochs", "1", "--out", "flat")
    run("-m", "tenfold", "train", "--recipe", "flat", *few)
    Image.fromarray(load_mnist().test.images[0]).save(tmp_path / "seven.png")
    (answer,) = run(
        "-m", "tenfold", "predict", "--model", "flat", "--format", "json", "seven.png"
    ).splitlines()
    assert len(json.loads(answer)["probabilities"]) == 10
    assert json.loads((tmp_path / "flat" / "run.json").read_text())["plan"]["recipe"]["network"] == "flat"
    assert "fast, best, ink, flat." in run("-m", "tenfold", "train", "--help")
    assert "did you mean flat?" in run("-m", "tenfold", "compare", "recipe=flt", code=2)


def test_a_data_set_is_added(changed, tmp_path):
    run = changed("A data set")
    train = load_mnist(limit=40, validation=0).train
    lines = [
        f"{label} " + " ".join(f"{k + 1}:{image.flat[k]}" for k in np.flatnonzero(image))
        for label, image in zip(train.labels, train.images, strict=True)
    ]
    (tmp_path / "digits.txt").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "images.npy", train.images)
    run(
        "-c",
        "import numpy, tenfold; found = tenfold.load_data('digits.txt', validation=0).train;"
        f"assert found.labels.tolist() == {train.labels.tolist()};"
        "assert (found.images == numpy.load('images.npy')).all()",
    )
    (tmp_path / "digits.txt").write_text("\n".join([*lines, "3 785:9"]) + "\n")
    told = run("-m", "tenfold", "train", "--data", "digits.txt", "--out", "never", code=2)
    assert "digits.txt, line 41: expected label place:value" in told


@pytest.mark.slow
def test_a_dial_is_added(changed, tmp_path):
    run = changed("A dial")
    few = ("--limit", "300", "--epochs", "1")
    run("-m", "tenfold", "compare", "units=8,16", *few, "--seeds", "1", "--out", "compared")
    sizes = [row.split(",") for row in (tmp_path / "compared" / "table.csv").read_text().splitlines()]
    at = sizes[0].index("parameters")
    assert int(sizes[2][at]) - int(sizes[1][at]) == 8 * (576 + 1 + 10)
    run("-m", "tenfold", "train", "--units", "8", *few, "--out", "narrow")
    assert json.loads((tmp_path / "narrow" / "run.json").read_text())["plan"]["recipe"]["units"] == 8
    assert "units must be a whole number" in run("-m", "tenfold", "train", "--units", "0", code=2)
    assert "cannot change its units" in run(
        "-m", "tenfold", "train", "--recipe", "fast", "--units", "8", code=2
    )


@pytest.mark.slow
def test_a_corruption_is_added(changed, tmp_path):
    run = changed("A corruption")
    run("-m", "tenfold", "evaluate", "--suite", "corrupted", "--limit", "20", "--out", "judged")
    content = (tmp_path / "judged" / "report.json").read_text()
    assert '"mosaic"' in content
    told = run(
        "-c",
        "import numpy; from tenfold.judging.corruptions import CORRUPTIONS, corrupt;"
        "images = numpy.full((2, 28, 28), 90, numpy.uint8); images[:, ::2] = 30;"
        "assert (corrupt(images, 'mosaic') == 60).all(); print(list(CORRUPTIONS)[-1])",
    )
    assert told.strip() == "mosaic"
