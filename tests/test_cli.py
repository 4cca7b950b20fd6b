"""The command line on real pictures with a real reader; training has its own file."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

import tenfold
from makers.networks import CARD, save_network
from tenfold.cli import app, doctor, main
from tenfold.cli.show import show_name


@pytest.fixture
def desk(tmp_path, monkeypatch, test_split):
    """A folder to work in, with pictures of the first test images: 7, 2, 1, 0, 4."""
    for name, image in zip(("a.png", "b.jpg", "c.bmp", "d.PNG", "e.gif"), test_split.images, strict=False):
        Image.fromarray(255 - image).resize((112, 112)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capfd, means_reader):
    """Run a command; returns its exit code, and the lines on standard output and on standard error."""

    def run(*arguments):
        given = list(arguments)
        if given[:1] == ["predict"]:
            given[1:1] = ["--model", str(means_reader)]
        code = main(given)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out.splitlines(), err.splitlines()

    return run


def in_a_process(*arguments, **settings):
    return subprocess.run(
        [sys.executable, "-m", "tenfold", *arguments],
        capture_output=True,
        check=False,
        **settings,
    )


def test_json_has_the_fields_it_promises(call, desk, means_reader):
    code, out, err = call("predict", "--format", "json", "a.png", "b.jpg")
    assert (code, err) == (0, [])
    first, second = map(json.loads, out)
    assert list(first) == ["source", "digit", "confidence", "is_digit", "probabilities", "unsure"]
    assert first["source"] == "a.png"
    assert (
        first["digit"]
        == np.argmax(first["probabilities"])
        == tenfold.load(means_reader).predict("a.png").digit
    )
    assert sum(first["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert first["confidence"] == pytest.approx(max(first["probabilities"]))
    assert first["is_digit"] == 1, "this reader cannot refuse"
    assert first["unsure"] is (first["confidence"] < 0.5)
    assert second["source"] == "b.jpg"


def test_one_picture_that_cannot_be_read_leaves_the_others_answered(call, desk):
    (desk / "broken.png").write_bytes((desk / "a.png").read_bytes()[:80])
    (desk / "blank.png").write_bytes(png(np.full((40, 40), 200, np.uint8)))
    names = ["a.png", "missing.png", "broken.png", "blank.png", "b.jpg"]
    code, out, err = call("predict", "--format", "json", *names)
    assert (code, err) == (1, [])
    answers = [json.loads(line) for line in out]
    assert [answer["source"] for answer in answers] == names
    assert ["error" in answer for answer in answers] == [False, True, True, True, False]
    assert list(answers[1]) == ["source", "error"]

    code, out, err = call("predict", *names)
    assert code == 1
    assert [line.split(":")[0] for line in out] == ["a.png", "b.jpg"]
    assert [line.split(":")[1].strip() for line in err] == ["missing.png", "broken.png", "blank.png"]


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def test_text_shows_an_unsure_digit_only_when_asked(call, desk):
    answers = [json.loads(line) for line in call("predict", "--format", "json", ".")[1]]
    unsure = [answer["unsure"] for answer in answers]
    assert set(unsure) == {True, False}, "the pictures here no longer show both"
    shown = [line.split(": ")[1].split()[0] for line in call("predict", ".")[1]]
    assert shown == ["?" if answer["unsure"] else str(answer["digit"]) for answer in answers]
    raw = [line.split(": ")[1].split()[0] for line in call("predict", "--raw", ".")[1]]
    assert raw == [str(answer["digit"]) for answer in answers]


def test_csv_is_one_row_a_picture_whatever_its_name(call, desk):
    odd = 'od"d, na\nme.png'
    shutil.copy("a.png", odd)
    code, out, _ = call("predict", "--format", "csv", odd, "missing.png")
    assert code == 1
    rows = list(csv.reader(io.StringIO("\n".join(out))))
    assert rows[0] == ["source", "digit", "confidence", "is_digit", "unsure", "error"]
    assert rows[1][0] == odd
    assert rows[1][1].isdigit()
    assert rows[1][3:5] in (["1.000000", "true"], ["1.000000", "false"])
    assert rows[2][:5] == ["missing.png", "", "", "", ""]
    assert "no such file" in rows[2][5]


def sources(lines):
    return [json.loads(line)["source"] for line in lines]


def test_folders_and_globs_stand_for_their_pictures_in_order(call, desk):
    (desk / "notes.txt").write_text("not a picture")
    (desk / ".hidden.png").write_bytes(b"")
    (desk / "below").mkdir()
    shutil.copy("a.png", "below/z.png")
    code, out, err = call("predict", "--format", "json", ".")
    assert code == 0
    assert sources(out) == ["a.png", "b.jpg", "c.bmp", "d.PNG", "e.gif"]
    assert err == ["tenfold: .: 1 file without a picture's ending left out"]
    assert sources(call("predict", "--format", "json", "*.[pj]*g")[1]) == ["a.png", "b.jpg"]
    assert sources(call("predict", "--format", "json", "**/z.png")[1]) == ["below/z.png"]


def test_a_name_with_a_globs_characters_is_a_name_first(call, desk):
    shutil.copy("a.png", "a[1]*.png")
    assert sources(call("predict", "--format", "json", "a[1]*.png")[1]) == ["a[1]*.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("none*.png", "nothing matches"), ("empty", "no pictures in this folder"), ("", "empty name")],
)
def test_a_name_that_stands_for_nothing_is_an_error_of_its_own(call, desk, name, message):
    (desk / "empty").mkdir()
    code, out, err = call("predict", name, "a.png")
    assert code == 1
    assert len(out) == 1
    assert message in err[0]


def test_a_name_that_is_not_text_or_would_steer_the_terminal(call, desk):
    name = os.fsdecode(b"f\xff\x1b[31m.png")
    shutil.copy("a.png", name)
    code, out, err = call("predict", name, "--", "-none.png")
    assert code == 1
    assert out[0].startswith(r"f\udcff\x1b[31m.png: ")
    assert "-none.png: no such file" in err[0]
    for command in ("predict", "read"):
        (line,) = call(command, "--format", "json", name)[1]
        assert json.loads(line)["source"] == "f\\udcff\x1b[31m.png", "a lone surrogate is no JSON everywhere"


def test_a_picture_from_standard_input(desk, means_reader):
    model = ["--model", str(means_reader)]
    done = in_a_process("predict", *model, "--format", "json", "-", input=(desk / "a.png").read_bytes())
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["source"]) == (0, "-")
    assert answer["digit"] == tenfold.load(means_reader).predict("a.png").digit
    nothing = in_a_process("predict", *model, "-", input=b"")
    assert nothing.returncode == 1
    assert b"tenfold: -: is empty" in nothing.stderr


def test_the_form_kaggle_asks_for(call, desk, test_split, means_reader):
    head = ",".join(f"pixel{k}" for k in range(784))
    np.savetxt("test.csv", test_split.images.reshape(-1, 784), "%d", ",", header=head, comments="")
    code, out, _ = call("predict", "--format", "kaggle", "test.csv")
    assert code == 0
    assert out[0] == "ImageId,Label"
    answers = tenfold.load(means_reader).predict_many(test_split.images, prepared=True)
    assert out[1:] == [f"{k},{answer.digit}" for k, answer in enumerate(answers, 1)]
    assert call("predict", "--format", "kaggle", "a.png")[0] == 2
    assert call("predict", "--format", "kaggle", "test.csv", "test.csv")[0] == 2
    letters = save_network(Path("letters.onnx"), {**CARD, "labels": list("ABCDEFGHIJ")})
    code, out, err = call("predict", "--model", str(letters), "--format", "kaggle", "test.csv")
    assert (code, out) == (2, [])
    assert err == ["tenfold: --format kaggle is for digits; letters.onnx reads A, B, C, D, E, ..."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "PICTURE"),
        (["nothing"], "nothing"),
        (["--nothing"], "--nothing"),
        (["predict", "--format", "xml", "a.png"], "xml"),
        (["train", "--epochs", "many"], "--epochs"),
        (["train", "--optimizer", "adamm"], "did you mean adam"),
        (["train", "--epochs", "0"], "from 1 to 1,000,000"),
        (["train", "--recipe", "none"], "classic"),
        (["run", "--data", "none.npz"], "none.npz"),
        (["run", "--limit", "0"], "limit is 0"),
        (["evaluate", "none"], "none: no such reader"),
        (["evaluate", "a.png"], "a.png: not a reader"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(call, desk, arguments, message):
    code, out, err = call(*arguments)
    assert (code, out) == (2, [])
    assert len(err) == 1
    assert message in err[0]
    assert err[0].startswith("tenfold: ")
    assert not (desk / "runs").exists()


def test_a_closed_pipe_ends_quietly(desk, means_reader):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "tenfold", "predict", "--model", str(means_reader), "a.png", "b.jpg"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_disk_is_one_line(buffered, desk, means_reader):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tenfold", "predict", "--model", str(means_reader), "a.png"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["tenfold: No space left on device"]


def test_a_closed_standard_output_is_a_failure_in_one_line(desk, means_reader):
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    done = subprocess.run(
        [sys.executable, "-c", code, "-m", "tenfold", "predict", "--model", str(means_reader), "a.png"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"tenfold: standard output is closed")
    assert done.stderr.count(b"\n") == 1


def test_version_and_help(call):
    assert call("--version")[:2] == (0, [f"tenfold {tenfold.__version__}"])
    code, out, _ = call()
    assert code == 0
    assert all(name in "\n".join(out) for name in ("run", "train", "evaluate", "predict", "doctor"))
    for command in ("run", "train", "evaluate", "predict", "doctor"):
        assert call(command, "--help")[0] == 0


def test_evaluate_prints_the_figures_of_the_report(call, means_reader):
    code, out, err = call("evaluate", str(means_reader))
    report = tenfold.evaluate(tenfold.load(means_reader), tenfold.load_mnist().test)
    assert code == 0
    assert out[0] == f"Test accuracy: {100 * report.accuracy:.2f}%  Test loss: {report.loss:.4f}"
    assert f"{len(report.wrong):,} of 10,000 wrong" in out[1]
    assert "MNIST" in err[0]


def test_evaluate_takes_a_folder_with_some_of_the_classes(call, tmp_path, test_split, means_reader):
    right = 0
    for digit in (3, 7):
        (tmp_path / str(digit)).mkdir()
        images = test_split.images[test_split.labels == digit][:12]
        for k, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / str(digit) / f"{k}.png")
        answers = tenfold.load(means_reader).predict_many(images, prepared=True)
        right += sum(answer.digit == digit for answer in answers)
    code, out, _ = call("evaluate", str(means_reader), "--data", str(tmp_path))
    assert code == 0
    assert f"{24 - right} of 24 wrong" in out[1]

    (tmp_path / "7").rename(tmp_path / "seven")
    code, _, err = call("evaluate", str(means_reader), "--data", str(tmp_path))
    assert code == 2
    assert "'seven'" in err[-1]


def test_doctor_says_what_is_here(call):
    code, out, _ = call("doctor")
    text = "\n".join(out)
    assert f"tenfold   {tenfold.__version__}" in text
    assert "70,000 images" in text
    assert "onnxruntime" in text
    assert "  train  training, and drawing figures: here" in out
    assert code == (1 if "does not work" in text else 0)


@pytest.fixture
def only(monkeypatch):
    """Let doctor see these packages and no others."""

    def set_packages(**versions):
        def find(name):
            if name not in versions:
                raise PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(doctor, "version", find)

    return set_packages


def test_doctor_names_what_is_missing_and_the_line_that_adds_it(call, only):
    only(
        numpy="2.4",
        scipy="1.17",
        jinja2="3.1.6",
        **{"tensorflow-cpu": "2.21", "keras": "3.10.0", "tf2onnx": "1.17", "matplotlib": "3.10.1"},
    )
    assert doctor.missing_packages("train") == ["keras 3.10.0 is too old, so a newer one is", "onnx"]
    line = next(line for line in call("doctor")[1] if line.startswith("  train"))
    assert "onnx missing; pip install" in line
    assert '[train]"' in line


def test_doctor_notices_two_builds_of_tensorflow(call, only):
    only(**{"tensorflow-cpu": "2.21", "tensorflow": "2.21"})
    text = "\n".join(call("doctor")[1])
    assert "tensorflow and tensorflow-cpu are both installed" in text
    assert "pip uninstall -y tensorflow tensorflow-cpu && pip install" in text


def test_names_are_shown_on_one_line():
    assert show_name("a\nb\x1b\x85\u2028é七.png") == r"a\nb\x1b\x85\u2028é七.png"


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (command.name, option.opts[0])
        for command in typer.main.get_command(app).commands.values()
        for option in command.params
        if option.nargs == 1 and not getattr(option, "is_flag", False) and not option.required
    ],
)
def test_an_empty_value_is_refused_by_every_command(command, option, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [option, ""] if option.startswith("-") else [""]
    needed = {"predict": ["x.png"], "read": ["x.png"], "compare": ["epochs=1"]}.get(command, [])
    code, out, err = call(command, *needed, *words)
    assert (code, out, len(err)) == (2, [], 1)
    assert "empty; give it a value or leave it out" in err[0]
    assert list(tmp_path.iterdir()) == []
