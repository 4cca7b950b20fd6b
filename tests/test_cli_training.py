"""`tenfold run` and `tenfold train`, trained for real on few images."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tenfold.cli import main

FEW = ["--limit", "400", "--epochs", "1", "--validation", "100"]
FILES = ["run.json", "model.keras", "reader.onnx", "history.csv", "metrics.json"]
FILES += ["samples.png", "curves.png", "confusion.png", "mistakes.png"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One `tenfold run` on 400 images in a process of its own: what it printed, and its folder."""
    folder = tmp_path_factory.mktemp("story")
    done = subprocess.run(
        [sys.executable, "-m", "tenfold", "run", *FEW, "--out", "told"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, folder / "told"


def test_the_story_is_told_in_order(told):
    done, _ = told
    assert done.returncode == 0, done.stderr
    chapters = ["Load", "Look", "Prepare", "Build", "Train", "Evaluate", "Predict", "Files in told"]
    places = [re.search(rf"^{chapter}", done.stdout, re.MULTILINE) for chapter in chapters]
    assert all(places), done.stdout
    assert [place.start() for place in places] == sorted(place.start() for place in places)


def test_the_story_shows_shapes_parameters_and_figures(told):
    out = told[0].stdout
    for text in (
        "(400, 28, 28) uint8, 0 to 255",
        "(400, 28, 28, 1) float, 0.0 to 1.0",
        "(400, 10) one-hot, the first is [0 0 0 0 0 1 0 0 0 0]",
        "(n, 26, 26, 32)",
        "93,322",
        "the first test image is a 7",
    ):
        assert text in out
    assert len(re.findall(r"Test accuracy: \d+\.\d\d%  Test loss: \d+\.\d{4}", out)) == 1
    shares = [float(share) for share in re.findall(r"^ {4}\d +([\d.]+)%", out, re.MULTILINE)]
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=0.2)


def test_the_story_ends_with_the_files_that_are_there(told):
    done, folder = told
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert [line.split()[0] for line in done.stdout.splitlines()[-len(FILES) :]] == FILES


def test_only_progress_is_on_standard_error(told):
    lines = told[0].stderr.splitlines()
    assert lines[0] == "loading TensorFlow ..."
    assert lines[1].startswith("epoch 1/1  loss ")
    assert "validation loss" in lines[1]
    assert lines[2].startswith("trained and written in ")
    assert len(lines) == 3


def test_a_saved_run_is_given_the_figures_of_its_training(told, capfd):
    done, folder = told
    assert main(["evaluate", str(folder)]) == 0
    line = capfd.readouterr().out.splitlines()[0]
    assert line in done.stdout
    figures = json.loads((folder / "metrics.json").read_text())["figures"]
    assert (
        line == f"Test accuracy: {100 * figures['test_accuracy']:.2f}%  Test loss: {figures['test_loss']:.4f}"
    )


def test_train_says_where_the_run_is_and_how_good(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    choices = (
        "--activation elu --loss sparse_categorical_crossentropy --optimizer rmsprop --batch-size 50 --seed 3"
    )
    assert main(["train", *FEW, *choices.split()]) == 0
    out, err = capfd.readouterr()
    first, last = out.splitlines()
    folder = Path(first.removeprefix("Run folder: "))
    assert re.fullmatch(r"runs/\d{8}-\d{6}-classic", folder.as_posix())
    assert last.startswith("Test accuracy: ")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["seed"] == 3
    chosen = {
        key: metrics["recipe"][key] for key in ("activation", "loss", "optimizer", "batch_size", "epochs")
    }
    assert chosen == {
        "activation": "elu",
        "loss": "sparse_categorical_crossentropy",
        "optimizer": "rmsprop",
        "batch_size": 50,
        "epochs": 1,
    }
    assert "epoch 1/1" in err
    assert gc.get_freeze_count() > 100_000  # TensorFlow's objects are looked through for garbage no more


def test_a_folder_that_is_there_is_refused(told, capfd):
    before = {path.name: path.stat().st_mtime_ns for path in told[1].iterdir()}
    assert main(["train", *FEW, "--out", str(told[1])]) == 2
    assert "exists already" in capfd.readouterr().err
    assert {path.name: path.stat().st_mtime_ns for path in told[1].iterdir()} == before


def test_the_current_folder_is_there_too(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *FEW, "--out", "."]) == 2
    assert ". exists already" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_fails_is_told_in_one_line(tmp_path):
    nowhere = {"https_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tenfold", "train", "--data", "keras"],
        cwd=tmp_path,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    progress, told = done.stderr.splitlines()  # the first is of Keras, the second ours
    assert progress.startswith("Downloading data from ")
    assert told.startswith("tenfold: Keras could not download MNIST (")


def test_a_place_that_cannot_be_written_is_a_failed_training(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert main(["train", *FEW, "--out", str(tmp_path / "file" / "run")]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert "Not a directory" in lines[-1]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_saves_and_prints_the_command_that_goes_on(tmp_path):
    # A shell starts background jobs with SIGINT ignored; a foreground command has Python's own handler.
    process = subprocess.Popen(
        [sys.executable, "-m", "tenfold", "train", "--epochs", "50", "--out", "stopped"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (tmp_path / "stopped" / "run.json").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "tenfold: saved, every step so far; whole epochs: " in err
    assert err.splitlines()[-2] == "tenfold: to go on: tenfold train --resume stopped"
    assert err.splitlines()[-1] == "tenfold: stopped"
    assert "Traceback" not in err
    assert list((tmp_path / "stopped" / "checkpoints").glob("*.checkpoint"))
