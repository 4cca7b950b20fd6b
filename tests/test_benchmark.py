"""`tenfold benchmark`: what is measured, how it is put together, what is said of it. No time is asserted."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenfold
from tenfold.cli import main
from tenfold.cli.benchmarking import show_benchmark
from tenfold.errors import OptionError, RunError, TrainingError
from tenfold.judging import charts
from tenfold.judging.problems import PROBLEMS
from tenfold.making import benchmark
from tenfold.making.benchmarking import measurement
from tenfold.making.benchmarking.answers import judge_answers
from tenfold.making.benchmarking.measurement import Asked, draw_benchmark, take_turns
from tenfold.making.benchmarking.picture import make_panels
from tenfold.making.benchmarking.processes import Spent, Task, run_process
from tenfold.making.benchmarking.results import (
    STOCK,
    TORCH,
    Benchmark,
    Spread,
    Timing,
    Trial,
    shown,
    summarise,
)

FIRST_STEPS = Path(__file__).parents[1] / "examples" / "first_steps.py"
PLACE = {
    "date": "2026-11-22",
    "machine": {"processor": "a processor", "cpus": 2},
    "versions": {"tenfold": "0.1", "keras": "3.15"},
}


def trial(name: str, fit: float, **changes: object) -> Trial:
    plain = Trial(name, 1, 54_000, 2, fit, fit + 5, 800 << 20, 0.99, known=9, other=91)
    return replace(plain, **changes)


TRIALS = (
    trial("fast", 10.0, accuracy=0.992, known=8, other=72),
    trial(STOCK, 120.0, epochs=5),
    trial("fast", 8.0, accuracy=0.994, known=10, other=50),
    trial("fast", 12.0, accuracy=0.993, known=9, other=61),
    trial(TORCH, 90.0, memory=None),
)
TIMINGS = (
    Timing("Tenfold's reader", "many", (0.001, 0.002, 0.0005)),
    Timing("Tenfold's reader", "one", (0.0001, 0.0002, 0.0003)),
    Timing("tenfold --help", "start", (0.2, 0.1, 0.4)),
    Timing("Keras: one answer", "start", (6.0, 5.0, 7.0)),
)
GROWTH = tuple(
    trial(name, first + each * images * epochs, images=images, epochs=epochs)
    for name, first, each in ((STOCK, 1.0, 2e-4), ("fast", 2.0, 8e-5))
    for images, epochs in ((15_000, 1), (15_000, 2), (15_000, 4), (7_500, 1), (60_000, 1))
)
FOUND = Benchmark({"recipes": ["fast"]}, TRIALS, TIMINGS, GROWTH, ("PyTorch is left out",), PLACE)


# --- how measurements are put together


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_turns_are_taken_as_often_as_asked_and_spread(counts):
    order = take_turns(counts)
    assert [order.count(index) for index in range(len(counts))] == counts
    if len(set(counts)) == 1:
        assert order == list(range(len(counts))) * counts[0]


def test_a_summary_is_of_medians_and_means():
    stock, fast, torch = summarise(TRIALS)
    assert (stock.name, fast.name, torch.name) == (STOCK, "fast", TORCH)
    assert fast.fit == Spread(10.0, 8.0, 12.0)
    assert fast.fit_times == Spread(12.0, 10.0, 15.0)
    assert fast.process_times == Spread(125 / 15, 125 / 17, 125 / 13)
    assert (fast.accuracy, fast.sd) == (pytest.approx(0.993), pytest.approx(0.001))
    assert (fast.known, fast.other) == (9, 61)
    assert stock.sd is None
    assert stock.fit_times == Spread(1.0, 1.0, 1.0)
    assert torch.memory is None


def test_without_stock_keras_there_is_no_ratio():
    (fast,) = summarise(TRIALS[:1])
    assert fast.fit_times is fast.process_times is None


def test_many_images_are_shown_as_images_a_second():
    assert shown(TIMINGS[0]) == Spread(1000, 500, 2000)
    assert shown(TIMINGS[1]) == Spread(0.0002, 0.0001, 0.0003)


def test_growth_is_a_first_cost_and_one_an_image():
    costs = {cost.name: (cost.first, cost.image) for cost in FOUND.costs}
    assert costs[STOCK] == pytest.approx((1.0, 2e-4))
    assert costs["fast"] == pytest.approx((2.0, 8e-5))


def test_wrong_answers_are_split_by_the_known_label_problems():
    test = tenfold.load_mnist().test
    answers = test.labels.copy()
    wrong = [*PROBLEMS[:3], 0, 1]
    answers[wrong] = (answers[wrong] + 1) % 10
    assert judge_answers(answers, test) == {"accuracy": pytest.approx(0.9995), "known": 3, "other": 2}


def test_everything_measured_is_in_the_json():
    content = json.loads(json.dumps(FOUND.to_json(), allow_nan=False))
    assert [row["name"] for row in content["training"]] == [STOCK, "fast", TORCH]
    assert len(content["measured"]["trials"]) == len(TRIALS)
    assert content["timing"][0]["unit"] == "images a second"
    assert content["machine"] == PLACE["machine"]
    assert {"asked", "growth", "notes", "date", "versions"} <= set(content)


# --- what is shown


def test_the_tables_say_who_took_how_long(capsys):
    show_benchmark(FOUND)
    out = capsys.readouterr().out
    taken, given = (line for line in out.splitlines() if line.startswith("  fast"))
    for text in ("10.0 s (8.0 to 12.0)", "12.0x (10.0 to 15.0)", "15.0 s (13.0 to 17.0)"):
        assert text in taken
    for text in ("99.30 ± 0.10 %", "70.0", "9.0", "800 MB"):
        assert text in given
    for text in ("1,000/s", "0.2 ms", "200 ms", "6 s", "4 x 15,000 images", "0.20 s more", "left out"):
        assert text in out
    assert "2026-11-22, a processor, 2 processors; tenfold 0.1, keras 3.15" in out


def test_the_picture_has_a_panel_for_each_table(tmp_path):
    panels = make_panels(FOUND)
    assert [type(panel).__name__ for panel in panels] == ["Bars"] * 7 + ["Lines"] * 3
    assert panels[0].own == {"fast"}
    figure = charts.panels(panels, "title")
    assert sum(axis.axison for axis in figure.axes) == len(panels)
    draw_benchmark(FOUND, tmp_path / "benchmark.png")
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("part", ["trials", "timings", "growth"])
def test_each_part_can_stand_alone(part, capsys):
    alone = replace(Benchmark({}, place=PLACE), **{part: getattr(FOUND, part)})
    show_benchmark(alone)
    assert capsys.readouterr().out
    charts.panels(make_panels(alone)).canvas.draw()


# --- processes


def test_a_process_is_measured_and_its_last_line_is_its_answer():
    spent = run_process([sys.executable, "-c", "print('on the way'); print('{\"fit\": 2}')"], "this")
    assert spent.answer() == {"fit": 2}
    assert spent.memory is None or spent.memory > 1 << 20


def test_a_process_that_fails_says_why():
    complain = "import sys; sys.exit('first\\nthe disk is full')"
    with pytest.raises(TrainingError, match=r"^this: its process ended with 1 \(the disk is full\)$"):
        run_process([sys.executable, "-c", complain], "this")


def test_a_process_is_ended_when_nobody_waits_for_it(tmp_path, monkeypatch):
    started = []
    popen = measurement.run_process.__globals__["subprocess"].Popen

    def remember(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("tenfold.making.benchmarking.processes.subprocess.Popen", remember)

    def interrupt(process):
        raise KeyboardInterrupt

    monkeypatch.setattr("tenfold.making.benchmarking.processes._wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_process([sys.executable, "-c", "import time; time.sleep(60)"], "this")
    assert started[0].returncode is not None


def test_a_task_survives_the_command_line(monkeypatch):
    task = Task(3, 2, 500, 0.0)
    monkeypatch.setattr(sys, "argv", ["script", task.to_json()])
    assert Task.from_argument() == task
    assert [len(split) for split in task.load()] == [500, 0, 10_000]


# --- what is asked


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--recipes", "fasst"], "no recipe is called 'fasst' (did you mean fast?)"),
        (["--recipes", "fast,fast"], "recipes, each named once"),
        (["--recipes", ","], "no recipe is called ''"),
        (["--parts", "predicting"], "did you mean prediction?"),
        (["--seeds", "0"], "seeds must be a whole number from 1 to 100, got 0"),
        (["--stock", "0"], "trainings of stock Keras must be"),
        (["--limit", "0"], "limit"),
        (["--limit", "100"], "the recipe fast takes 240 images a step"),
        (["--json", "nowhere/found.json"], "--json nowhere/found.json: cannot be written"),
        (["--json", "."], "--json .: cannot be written"),
        (["--json", "a", "--out", "a"], "--json and --out are both a"),
        (["--out", "."], ". exists already"),
    ],
)
def test_a_wrong_command_is_told_in_one_line(options, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measurement, "run_process", None)  # nothing may be started
    assert main(["benchmark", *options]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_whole_number_is_a_whole_number():
    with pytest.raises(OptionError):
        Asked(seeds=True)
    with pytest.raises(OptionError):
        Asked(parts=())


# --- the trainings that are compared


def test_stock_keras_trains_what_first_steps_trains():
    """The same layers and the same `compile`; the baseline is neither slowed nor another network."""
    from tenfold.making.backend import keras
    from tenfold.making.benchmarking import stock

    source = FIRST_STEPS.read_text()
    names = {"keras": keras}
    exec(source[source.index("model = keras.Sequential(") : source.index("model.summary()")], names)

    def describe(model: keras.Model) -> list[dict[str, object]]:
        return [{**layer.get_config(), "name": "", "dtype": ""} for layer in model.layers]

    built = stock.build_stock()
    assert describe(built) == describe(names["model"])
    assert (built.input_shape, built.count_params()) == ((None, 28, 28, 1), 93_322)
    assert calls(source, "compile") == calls(Path(stock.__file__).read_text(), "compile")


def calls(source: str, method: str) -> list[set[str]]:
    """The keyword arguments of each `model.<method>(...)`, written out."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        {ast.unparse(word) for word in call.keywords}
        for call in found
        if ast.unparse(call.func) == f"model.{method}"
    ]


def test_torch_trains_the_same_network():
    torch = pytest.importorskip("torch")
    from tenfold.making.benchmarking.plain_torch import build_torch

    model = build_torch(torch)
    assert sum(weight.numel() for weight in model.parameters()) == 93_322
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_growth_trains_more_epochs_and_more_images(monkeypatch):
    """With trainings that are made up: the real ones would take minutes."""
    tasks = []

    def make_up(name: str, task: Task) -> tuple[Spent, dict[str, float]]:
        tasks.append(task)
        seen = (task.epochs or 1) * (task.limit or 0)
        return Spent(1.0, None, ""), {"fit": 1 + seen / 1000, "accuracy": 0.9, "known": 1, "other": 2}

    monkeypatch.setattr(measurement, "_run_script", make_up)
    monkeypatch.setattr(measurement, "_run_recipe", make_up)
    found = benchmark(parts=["growth"])
    assert not found.trials
    assert {task.validation for task in tasks} == {0.0}
    for name in (STOCK, "fast"):
        mine = [(t.epochs, t.images) for t in found.growth if t.name == name]
        assert mine[:4] == [(1, 15_000), (2, 15_000), (4, 15_000), (8, 15_000)]
        assert sorted(mine[4:]) == [(1, 7_500), (1, 30_000), (1, 60_000)]
    assert [cost.image for cost in found.costs] == pytest.approx([1e-3, 1e-3])


def test_start_times_real_commands(monkeypatch):
    monkeypatch.setattr(measurement, "KERAS_ANSWER", "pass")  # TensorFlow alone takes most of a minute
    monkeypatch.setattr(measurement, "STARTS", 1)
    told: list[object] = []
    found = benchmark(parts=["start"], on_row=told.append)
    assert [timing.what for timing in found.timings][1:3] == ["tenfold --help", "tenfold predict one.png"]
    assert all(len(timing.seconds) == 1 for timing in found.timings)
    assert list(found.timings) == [row for row in told if isinstance(row, Timing)]


def test_a_folder_is_taken_away_when_nothing_came_of_it(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise TrainingError("no")

    monkeypatch.setattr(measurement, "run_process", fail)
    with pytest.raises(TrainingError):
        benchmark(parts=["prediction"], out=tmp_path / "measured")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunError, match="exists already"):
        benchmark(parts=["prediction"], out=tmp_path)


def test_what_was_measured_is_kept_when_something_later_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "KERAS_ANSWER", "pass")
    monkeypatch.setattr(measurement, "STARTS", 1)

    def fail(*_: object) -> None:
        raise TrainingError("no")

    monkeypatch.setattr(measurement, "_run_recipe", fail)
    monkeypatch.setattr(measurement, "_run_script", fail)
    seen: list[int] = []
    with pytest.raises(TrainingError):
        benchmark(
            parts=["start", "growth"],
            out=tmp_path / "measured",
            on_found=lambda found: seen.append(len(found.timings)),
        )
    kept = json.loads((tmp_path / "measured" / "benchmark.json").read_text())
    assert seen == [1, 2, 3, 4]
    assert len(kept["measured"]["timings"]) == 4
    assert kept["complete"] is False


def test_a_picture_that_fails_hides_no_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measurement, "KERAS_ANSWER", "pass")
    monkeypatch.setattr(measurement, "STARTS", 1)
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")

    def fail(*_: object) -> None:
        raise RunError("no space left")

    monkeypatch.setattr(measurement, "draw_benchmark", fail)
    assert main(["benchmark", "--parts", "start", "--out", "measured", "--json", "link.json"]) == 2
    shown = capsys.readouterr()
    assert "Start, a whole command" in shown.out
    assert shown.err.splitlines()[-1] == "tenfold: no space left"
    assert json.loads(Path("real.json").read_text())["complete"] is True
    assert Path("link.json").is_symlink()


def test_what_is_ended_ends_its_training(tmp_path):
    """By the process's own name: a training started in its place that writes down who it is."""
    script = (
        "import sys, tenfold.making.benchmarking.measurement as m; from tenfold.cli import main\n"
        'm.KERAS_ANSWER = \'import os, pathlib, time; pathlib.Path("id").write_text(str(os.getpid())); '
        "time.sleep(600)'\n"
        "sys.exit(main(['benchmark', '--parts', 'start']))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
    place = tmp_path / "id"
    while not (place.exists() and place.read_text()):
        time.sleep(0.1)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


@pytest.mark.slow
def test_the_command_measures_real_trainings(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--limit", "300", "--parts", "training,prediction", "--no-torch", "--json", "all.json"]
    assert main(["benchmark", *words, "--out", "measured"]) == 0
    shown_lines = capfd.readouterr().out
    assert STOCK in shown_lines
    assert "ONNX Runtime alone" in shown_lines
    content = json.loads(Path("all.json").read_text())
    assert content == json.loads(Path("measured/benchmark.json").read_text())
    assert Path("measured/benchmark.png").stat().st_size > 10_000
    stock, fast = content["measured"]["trials"]
    assert (stock["name"], stock["epochs"], stock["images"]) == (STOCK, 5, 300)
    assert (fast["name"], fast["epochs"], fast["images"]) == ("fast", 2, 300)
    assert 0.1 < stock["accuracy"] < 0.99
    assert 0 < fast["fit"] < fast["process"]
    assert {row["kind"] for row in content["measured"]["timings"]} == {"many", "one"}
    assert np.isfinite([s for row in content["measured"]["timings"] for s in row["seconds"]]).all()
