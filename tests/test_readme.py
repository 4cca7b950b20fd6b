"""The README is run: its Python, its commands, its links."""

import importlib.util
import re
import shlex
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from makers.pages import page
from tenfold.cli import main

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LINES = [
    line.strip()
    for language, block in BLOCKS
    if language == "sh"
    for whole in block.splitlines()
    for line in whole.split(" #")[0].split("&&")
]
FEW = ["--limit", "300", "--epochs", "1", "--validation", "60"]


@pytest.fixture
def desk(tmp_path, monkeypatch, test_split):
    """An empty folder with the pictures the README speaks of."""
    (tmp_path / "photos").mkdir()
    for name in ("seven.jpg", "seven.png", "photos/1.jpg"):
        Image.fromarray(255 - test_split.images[0]).resize((140, 140)).save(tmp_path / name)
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    shutil.copy(PICTURES / "register.jpg", tmp_path / "docs" / "pictures")
    Image.fromarray(page(1, "clean scan", split="validation").picture).save(tmp_path / "page.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_python_runs(desk, capsys):
    names: dict[str, object] = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "README.md", "exec"), names)
    out = capsys.readouterr().out
    assert out.startswith("7 ")
    assert (desk / "runs" / "quick" / "reader.onnx").exists()


@pytest.mark.slow
def test_the_commands_run(desk, capfd):
    commands = [shlex.split(line)[1:] for line in LINES if line.startswith("tenfold ")]
    assert {command[0] for command in commands} == {"run", "train", "predict", "read", "evaluate", "compare"}
    # The README trains runs/mine after it has shown how to read with it.
    for command in sorted(commands, key=lambda command: command[0] not in {"run", "train"}):
        few = FEW if command[0] in {"run", "train"} else []
        few = [*FEW, "--seeds", "1"] if command[0] == "compare" and "=" in command[1] else few
        few = ["--limit", "100"] if "--suite" in command else few
        assert main([*command, *few]) == 0, (command, capfd.readouterr().err)


@pytest.fixture(scope="module")
def making():
    """The module that makes the picture at the top."""
    spec = importlib.util.spec_from_file_location("making_the_picture", PICTURES / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def look(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), np.float32)


def test_it_opens_with_pictures_that_load_quickly_and_are_told_in_words():
    opening = TEXT.split("\n## ")[0]
    shown = re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]{40,})">', opening)
    assert [Path(path).name for path, _ in shown] == ["register.jpg", "register-read.jpg"]
    assert sum((ROOT / path).stat().st_size for path, _ in shown) < 250_000


def test_the_picture_at_the_top_is_the_first_that_its_command_makes(making, tmp_path):
    assert making.SEED == 1
    making.save_photo(making.register(making.SEED), tmp_path / "register.jpg")
    made, kept = look(tmp_path / "register.jpg"), look(PICTURES / "register.jpg")
    assert made.shape == kept.shape
    assert np.abs(made - kept).mean() < 2


def test_what_is_drawn_on_it_is_what_the_reader_answers(making, tmp_path, capsys):
    making.draw_overlay(PICTURES / "register.jpg", tmp_path / "read.jpg")
    drawn, kept = look(tmp_path / "read.jpg"), look(PICTURES / "register-read.jpg")
    assert drawn.shape == kept.shape
    other = (np.abs(drawn - kept).max(axis=2) > 60).mean()
    assert other < 0.01, f"the reader answers otherwise than is drawn: {making.__doc__}"
    answered = capsys.readouterr().out.splitlines()
    assert len(answered) >= len(making.COLUMNS) * making.ROWS - 3


def test_what_is_installed_is_what_the_project_offers():
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = [re.search(r"\[(\w+)\]", line) for line in LINES if line.startswith("pip install")]
    assert asked
    assert all(extra is None or extra.group(1) in offered for extra in asked)


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT) + re.findall(r'<img src="([^"]+)"', TEXT):
        assert target.startswith("https://") or (ROOT / target).exists(), target
    for path in re.findall(r"`((?:src|examples|docs|benchmarks|tests)(?:/[\w.]+)*)`", TEXT):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    ("section", "command"), [("Turn a dial", "train"), ("See what a dial does", "compare")]
)
def test_the_dials_it_lists_exist(section, command, capfd):
    assert main([command, "--help"]) == 0
    shown = capfd.readouterr().out
    dials = re.findall(r"--[a-z][a-z-]+", TEXT.split(f"## {section}\n")[1].split("\n## ")[0])
    assert dials
    for dial in dials:
        assert dial in shown


def test_the_checks_are_the_same_everywhere():
    named = re.findall(r"^```sh\n(ruff check\n.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
    for command in named[0].split("\n")[:-1]:
        assert command in (ROOT / ".ci" / "run").read_text()
        assert f"run: {command}" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
