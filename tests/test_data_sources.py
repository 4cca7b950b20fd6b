"""What a path is, found by what is in it; and Keras' download."""

import os
import pickle
import shutil
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest

from makers.datasets import csv_text, make_split, save_idx, save_npz
from tenfold.data import load_data, read_source
from tenfold.data.sources import BUNDLED
from tenfold.errors import DataError, MissingExtraError

SPLIT = make_split()


def refusal(source: str | Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    save_idx(tmp_path / "idx", "train", SPLIT)
    files = {
        "table.npz": csv_text(SPLIT).encode(),
        "archive.csv": save_npz(tmp_path / "a.npz", SPLIT).read_bytes(),
        "images.csv": (tmp_path / "idx" / "train-images-idx3-ubyte").read_bytes(),
        "labels.csv": (tmp_path / "idx" / "train-labels-idx1-ubyte").read_bytes(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name in ("table.npz", "archive.csv", "images.csv"):
        assert np.array_equal(read_source(tmp_path / name).train.images, SPLIT.images)


def test_a_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_npz(tmp_path / "a.npz", SPLIT)
    assert len(read_source("~/a.npz").train) == 40
    assert refusal("~nobody-here/a.npz").startswith("no file or folder ~nobody-here")


def test_what_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.npz").startswith(
        f"no file or folder {tmp_path / 'no.npz'}; expected an .npz"
    )
    assert refusal("mnist.npzz").startswith("no file or folder mnist.npzz")
    assert "name is empty" in refusal("")
    assert "no file or folder" in refusal("a\0b")


@pytest.mark.parametrize(
    ("name", "content", "piece"),
    [
        ("mnist.pkl", pickle.dumps({"train_img": [1]}), "a pickle, which can run code"),
        ("mnist.pkl", pickle.dumps({"train_img": [1]}, protocol=0), "a pickle, which can run code"),
        ("mnist.data", pickle.dumps([1, 2]), "a pickle, which can run code"),
        ("mnist.npz", b"\0" * 100, "damaged from its first bytes"),
        ("mnist.npz", b"", "it is empty"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(90), "not a data set of a kind known here"),
        ("notes.txt", b"hello there", "not a data set of a kind known here"),
    ],
)
def test_what_is_no_data_set(name: str, content: bytes, piece: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name)
    assert piece in message
    assert name in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe")


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    return tmp_path


def test_keras_download_is_read_and_its_place_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {}

    def get_file(fname: str, origin: str, file_hash: str) -> str:
        asked.update(fname=fname, origin=origin, file_hash=file_hash)
        print("Downloading data")
        return shutil.copy(BUNDLED, tmp_path / fname)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    loaded = load_data("keras")
    assert str(tmp_path / "mnist.npz") in loaded.source
    assert loaded.sha256 == load_data("mnist").sha256
    assert asked["origin"].startswith("https://storage.googleapis.com/tensorflow/")
    assert len(asked["file_hash"]) == 64
    said = capsys.readouterr()
    assert said.out == ""
    assert "Downloading" in said.err


def test_no_network_is_one_clear_line_and_leaves_nothing(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlretrieve(url: str, filename: str, reporthook: object = None) -> None:
        Path(filename).write_bytes(b"the first bytes of it")
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", urlretrieve)
    message = refusal("keras")
    assert "could not download MNIST" in message
    assert "Name or service not known" in message
    assert "needs no network" in message
    assert not [path for path in keras_home.rglob("*") if path.is_file()]


def test_without_keras_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keras.utils", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[train\]"):
        load_data("keras")
