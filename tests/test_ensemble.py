"""Ensembles: several seeds of one recipe, trained for real on few images, that read as one."""

import json
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import tenfold
from makers.stopping import check_same, ignore, interrupt_after, kill_once
from tenfold.cli import main
from tenfold.data import Dataset, Split
from tenfold.errors import OptionError, RunError
from tenfold.making import Run, build_network, finishing, resume, runs, train, training
from tenfold.making.backend import keras
from tenfold.making.calibration import logits_of
from tenfold.making.ensembles import combine, mean_history
from tenfold.making.events import EpochEnd, Event, Finished, Member, Note, Progress, Started
from tenfold.making.export import write_reader
from tenfold.making.plans import LARGEST_SEED, MOST_MEMBERS, Plan, plan_content, read_plan
from tenfold.making.recipes import NETWORKS, recipe
from tenfold.reading import Card

FEW: dict[str, Any] = {"limit": 300, "validation": 100}
QUICK: dict[str, Any] = {"recipe": "fast", "epochs": 2, "batch_size": 10, "seed": 4, "ensemble": 2}
CARD = Card("some", "some", tuple("0123456789"), 0.5, 1.0, 1, "", "", 1)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """300 images to train, 100 to validate, all to test."""
    return tenfold.load_mnist(**FEW)


@pytest.fixture(scope="module", autouse=True)
def no_pictures() -> Any:
    """Drawing takes longer than these trainings, and has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finishing, "_draw", lambda *given: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def ctrl_c() -> Any:
    """Ctrl-C as Python has it; a process started in the background is born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def told() -> list[Event]:
    """What the training of `whole` told."""
    return []


@pytest.fixture(scope="module")
def whole(data: Dataset, told: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An ensemble that was never stopped."""
    return train(data=data, out=tmp_path_factory.mktemp("whole") / "run", on_event=told.append, **QUICK)


def answers(run: Run, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The probabilities (n, 10) that a run's reader gives."""
    said = run.reader().predict_many(images, prepared=True)
    return np.stack([answer.probabilities for answer in said]).astype(np.float64)


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


# --- one network of many


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_side_by_side_give_the_mean_and_are_exported(
    name: str, data: Dataset, tmp_path: Path
) -> None:
    networks = []
    for seed in (1, 2, 3):
        keras.utils.set_random_seed(seed)
        networks.append(build_network(name))
    model = combine(networks)
    images = data.train.images[:200]
    each = [network(images, training=False) for network in networks]
    refuses = name == "ink"
    said = model(images, training=False)
    pairs = zip(zip(*each, strict=True), said, strict=True) if refuses else [(each, said)]
    for members, mean in pairs:
        np.testing.assert_allclose(np.mean([np.asarray(m) for m in members], axis=0), mean, atol=1e-6)
    assert len(logits_of(model).outputs) == 1 + refuses
    assert model.count_params() == 3 * networks[0].count_params()

    model.get_layer("temperature").scale = 1 / 0.4
    write_reader(model, CARD, tmp_path / "reader.onnx", images)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")(images, training=False)
    probabilities = np.asarray(again[0] if refuses else again)
    read = tenfold.load(tmp_path / "reader.onnx").predict_many(images, prepared=True)
    np.testing.assert_allclose([answer.probabilities for answer in read], probabilities, atol=1e-5)
    if refuses:
        np.testing.assert_allclose([answer.is_digit for answer in read], np.ravel(again[1]), atol=1e-5)


def test_a_class_that_no_network_thinks_possible_stays_finite(data: Dataset) -> None:
    network = build_network()
    last = network.get_layer("probabilities")
    last.set_weights([last.get_weights()[0], np.array([1000.0] + [0.0] * 9)])
    model = combine([network, network])
    model.get_layer("temperature").scale = 3.0
    images = data.train.images[:2]
    np.testing.assert_array_equal(model(images)[:, 0], [1, 1])
    assert np.isfinite(logits_of(model)(images)[0]).all()


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=1, max_size=4))
def test_the_history_is_the_mean_of_those_that_came_as_far(losses: list[list[float]]) -> None:
    histories = [[{"epoch": i, "loss": loss} for i, loss in enumerate(rows, 1)] for rows in losses]
    history = mean_history(histories)
    assert [row["epoch"] for row in history] == list(range(1, max(map(len, losses)) + 1))
    for i, row in enumerate(history):
        assert row["loss"] == pytest.approx(np.mean([rows[i] for rows in losses if i < len(rows)]), abs=1e-6)


# --- a whole run


def test_it_reads_with_the_tempered_mean_of_its_members(whole: Run, data: Dataset) -> None:
    assert data.test
    images = data.test.images[:500]
    mean = np.mean([answers(member, images) for member in whole.members], axis=0)
    card = whole.reader().card
    assert card.temperature != 1
    np.testing.assert_allclose(answers(whole, images), tempered(mean, card.temperature), atol=1e-5)
    network = keras.models.load_model(whole.folder / runs.MODEL)
    np.testing.assert_allclose(answers(whole, images), network(images, training=False), atol=1e-5)
    assert finishing.hash_weights(network) == card.weights_sha256 == whole.metrics["weights_sha256"]


def test_it_is_calibrated_after_averaging(whole: Run, data: Dataset) -> None:
    held_out = data.validation
    mean = np.mean([answers(member, held_out.images) for member in whole.members], axis=0)
    right = np.arange(len(held_out)), held_out.labels
    losses = {t: -np.log(tempered(mean, t)[right]).mean() for t in (0.5, 0.7, 1.0, 1.4, 2.0)}
    assert whole.figures["validation_loss"] <= min(losses.values()) + 1e-3


def test_card_and_metrics_say_what_it_is_made_of(whole: Run) -> None:
    card = whole.reader().card
    assert (card.name, card.recipe, card.seed, card.seeds) == ("fast-ensemble", "fast", 4, (4, 5))
    assert whole.metrics["seeds"] == [4, 5]
    assert [member.metrics["seeds"] for member in whole.members] == [[4], [5]]
    assert [member.folder for member in whole.members] == [
        whole.folder / runs.MEMBERS / f"seed-{seed}" for seed in (4, 5)
    ]
    assert whole.members[0].members == ()
    for name, figure in whole.metrics["members"].items():
        values = [member.figures[name] for member in whole.members]
        assert figure["each"] == values
        assert figure["mean"] == pytest.approx(np.mean(values))
        assert figure["sd"] == pytest.approx(abs(values[0] - values[1]) / np.sqrt(2))
    assert set(whole.metrics["members"]) == set(whole.figures)
    assert [row["epoch"] for row in whole.history] == [1, 2]
    assert sorted(path.name for path in whole.folder.iterdir()) == sorted([*whole.files, runs.MEMBERS])


def test_a_member_is_the_run_it_would_be_alone(whole: Run, data: Dataset, tmp_path: Path) -> None:
    alone = train(data=data, out=tmp_path / "run", on_event=ignore, **QUICK | {"seed": 5, "ensemble": 1})
    check_same(whole.members[1], alone)
    assert not (alone.folder / runs.MEMBERS).exists()
    assert alone.reader().card.seeds == (5,)


def test_what_is_told_says_which_member_it_is_of(whole: Run, told: list[Event]) -> None:
    landmarks = [e for e in told if isinstance(e, Member | Started | Finished)]
    assert [type(event) for event in landmarks] == [Member, Started, Finished] * 2 + [Finished]
    assert landmarks[0] == Member(1, 2, 4, finished=False)
    assert landmarks[3] == Member(2, 2, 5, finished=False)
    assert [e.folder for e in landmarks if isinstance(e, Finished)][2] == whole.folder
    assert sum(isinstance(event, EpochEnd) for event in told) == 4


def test_remarks_on_the_data_are_made_once(data: Dataset, tmp_path: Path) -> None:
    notes: list[str] = []
    own = Split(data.train.images[:50], data.train.labels[:50])
    repeated = replace(data, validation=own, test=own, sha256="1" * 64)
    train(
        data=repeated,
        out=tmp_path / "run",
        on_event=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
        **QUICK | {"epochs": 1},
    )
    assert sum("near-duplicates" in note for note in notes) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classic", "best", "ink"])
def test_every_recipe_and_data_of_ones_own(name: str, data: Dataset, tmp_path: Path) -> None:
    names = tuple("0123456789") if name == "ink" else ("a", "b", "c")
    few = data.train.labels < len(names)
    split = Split(data.train.images[few], data.train.labels[few])
    own = replace(
        data, train=split, validation=Split(split.images[:0], split.labels[:0]), test=None,
        class_names=names, sha256="0" * 64,
    )  # fmt: skip
    run = train(name, data=own, epochs=1, batch_size=10, ensemble=2, out=tmp_path / "run", on_event=ignore)
    card = run.reader().card
    assert (card.labels, card.temperature, card.seeds, run.figures) == (names, 1.0, (1, 2), {})
    assert run.metrics["members"] == {}
    mean = np.mean([answers(member, split.images) for member in run.members], axis=0)
    np.testing.assert_allclose(answers(run, split.images), mean, atol=1e-5)


# --- stopped and gone on with


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_ctrl_c_and_resumed_ends_with_the_same_reader(
    count: int, data: Dataset, whole: Run, tmp_path: Path
) -> None:
    folder, notes = tmp_path / "run", list[str]()
    interrupt = interrupt_after(count)  # in the first member, in the second

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)
        interrupt(event)

    with pytest.raises(KeyboardInterrupt):
        train(data=data, out=folder, on_event=listen, **QUICK)
    assert notes[-1] == f"to go on: tenfold train --resume {folder}"
    assert notes[-2].startswith("saved, every step so far; whole epochs: ")
    with pytest.raises(RunError, match="not a finished run; `tenfold train --resume"):
        runs.load_run(folder)
    told: list[Event] = []
    check_same(resume(folder, data=data, on_event=told.append), whole)
    first = next(event for event in told if isinstance(event, Member))
    assert first.finished == (count == 3)


def test_ctrl_c_before_anything_is_saved_leaves_nothing(data: Dataset, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Started):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data=data, out=tmp_path / "new" / "run", on_event=stop, **QUICK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_kill_9_at_any_moment_and_resumed_ends_with_the_same_reader(whole: Run, tmp_path: Path) -> None:
    random.seed("kill an ensemble")
    folder = tmp_path / "killed"
    code = f"import tenfold; tenfold.train(out='killed', save_every=0, **{FEW | QUICK!r})"
    resumed = ["-m", "tenfold", "train", "--resume", "killed"]

    def saved(seed: int) -> Callable[[], object]:
        checkpoints = runs.member_folder(folder, seed) / runs.CHECKPOINTS
        return lambda: sorted(checkpoints.glob("[0-9]*"))

    def kept() -> dict[Path, int]:
        return {
            path: path.stat().st_mtime_ns
            for path in runs.member_folder(folder, 4).rglob("*")
            if path.is_file() and path.name != runs.PLAN
        }

    kill_once([sys.executable, "-c", code], tmp_path, saved(4), random.random() / 10)
    kill_once([sys.executable, *resumed], tmp_path, saved(5), random.random() / 10)
    first = kept()
    assert (runs.member_folder(folder, 4) / runs.METRICS).exists()
    kill_once([sys.executable, *resumed], tmp_path, (folder / runs.MODEL).exists, random.random() / 10)
    assert not (folder / runs.METRICS).exists()
    check_same(resume(folder, on_event=ignore), whole)
    assert {path: time for path, time in kept().items() if path in first} == first


def test_a_disk_that_fills_up_costs_no_member(data: Dataset, whole: Run, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder = copy_unfinished(whole, tmp_path / "run")

    def fill(event: Event) -> None:
        if isinstance(event, Note):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    try:
        with pytest.raises(
            RunError, match=r"cannot be written .*make room, then tenfold train --resume \S+$"
        ):
            resume(folder, data=data, on_event=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    check_same(resume(folder, data=data, on_event=ignore), whole)


def copy_unfinished(whole: Run, folder: Path) -> Path:
    """An ensemble's folder as it is when its members are done and nothing more."""
    shutil.copytree(whole.folder, folder)
    for name in whole.files[1:]:
        (folder / name).unlink()
    return folder


def test_too_little_room_is_said_before_it_begins(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    one = training.SPARE_BYTES + training.BYTES_A_PARAMETER * build_network("fast").count_params()
    monkeypatch.setattr(runs.shutil, "disk_usage", lambda path: usage._replace(free=2 * one))
    needed = -(-(2 * one + training.SPARE_BYTES) >> 20)
    with pytest.raises(RunError, match=f"MB are free, the run needs up to {needed} MB"):
        train(data=data, out=tmp_path / "run", **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_members_that_are_not_its_own_are_refused(data: Dataset, whole: Run, tmp_path: Path) -> None:
    folder = copy_unfinished(whole, tmp_path / "run")
    shutil.rmtree(runs.member_folder(folder, 5))
    shutil.copytree(runs.member_folder(folder, 4), runs.member_folder(folder, 5))
    with pytest.raises(OptionError, match=r"seed-5: begun with other choices .*seed 4, now 5"):
        resume(folder, data=data, on_event=ignore)


def test_a_member_that_is_damaged_is_named(data: Dataset, whole: Run, tmp_path: Path) -> None:
    folder = copy_unfinished(whole, tmp_path / "run")
    model = runs.member_folder(folder, 5) / runs.MODEL
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(RunError, match=r"seed-5/model.keras: cannot be read \(damaged"):
        resume(folder, data=data, on_event=ignore)


@pytest.mark.parametrize(("part", "field"), [("plan", "ensemble"), ("recipe", "epochs")])
def test_a_plan_that_lacks_a_field_is_not_guessed(part: str, field: str, tmp_path: Path) -> None:
    content = plan_content(Plan(recipe("fast")), {}, {})
    del (content["plan"] if part == "plan" else content["plan"][part])[field]
    (tmp_path / runs.PLAN).write_text(json.dumps(content))
    with pytest.raises(RunError, match=f"damaged \\(it lacks '{field}'\\)"):
        read_plan(tmp_path)


# --- what cannot be


@pytest.mark.parametrize("count", [0, -1, MOST_MEMBERS + 1, 1000, 2.0, "two", True, None])
def test_a_number_of_networks_that_cannot_be_is_one_line(count: object, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^an ensemble has 2 to 100 networks, or 1 .* alone; got"):
        train(ensemble=count, out=tmp_path / "run")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_seeds_that_go_too_far_and_readers_too_large_are_refused(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=f"3 seeds from {LARGEST_SEED - 1} on go beyond {LARGEST_SEED}"):
        train(seed=LARGEST_SEED - 1, ensemble=3, out=tmp_path / "run")
    assert Plan(recipe("fast"), LARGEST_SEED - 1, ensemble=2).seeds[-1] == LARGEST_SEED
    with pytest.raises(OptionError, match=r"99 networks of 332,162 parameters make a reader of 125 MB"):
        train("best", data=data, ensemble=99, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_training_begins_with_a_member_and_not_with_an_ensemble(
    data: Dataset, whole: Run, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"an ensemble, .* such as \S+seed-4$"):
        train(data=data, init=whole.folder, out=tmp_path / "run")
    member = whole.members[0]
    run = train(
        data=data, init=member.folder, epochs=1, ensemble=2, seed=8, out=tmp_path / "run", on_event=ignore
    )
    assert run.recipe.rate == member.recipe.rate / 10
    assert run.history[0]["loss"] < member.history[0]["loss"]
    assert set(run.metrics["mnist"]) == {"before", "after"}


# --- the command


@pytest.mark.slow
def test_the_command_trains_goes_on_and_tells_each_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few = "--limit 300 --validation 100 --recipe fast --epochs 2 --batch-size 50 --ensemble 2 --tensorboard"
    assert main(["train", *few.split()]) == 0
    out, err = capfd.readouterr()
    where, members, score = out.splitlines()
    folder = Path(where.removeprefix("Run folder: "))
    assert folder.name.endswith("-fast-ensemble")
    assert members.startswith("2 networks, each alone: test accuracy ")
    assert score.startswith("Test accuracy: ")
    for line in ("network 1/2, seed 1  epoch 1/2", "network 2/2, seed 2  epoch 2/2", "\ntrained and written"):
        assert line in err
    assert (folder / runs.MEMBERS / "seed-2" / runs.TENSORBOARD).is_dir()
    assert not (folder / runs.TENSORBOARD).exists()

    assert main(["train", "--resume", str(folder)]) == 0
    assert capfd.readouterr().out == out
    (folder / runs.METRICS).unlink()
    assert main(["train", "--resume", str(folder), "--ensemble", "2"]) == 0
    again, err = capfd.readouterr()
    assert again == out
    assert [line for line in err.splitlines() if line.startswith("network")] == [
        "network 1/2, seed 1  trained earlier",
        "network 2/2, seed 2  trained earlier",
    ]
    assert main(["train", "--resume", str(folder), "--ensemble", "3"]) == 2
    assert "ensemble 2, now 3" in capfd.readouterr().err
    assert main(["evaluate", str(folder)]) == 0
    assert capfd.readouterr().out.startswith(score)
    assert main(["compare", str(folder), str(folder / runs.MEMBERS / "seed-1")]) == 0
    assert main(["train", "--limit", "300", "--ensemble", "2", "--out", str(folder)]) == 2
    assert "exists already" in capfd.readouterr().err


def test_time_left_counts_the_networks_to_come(capfd: pytest.CaptureFixture[str]) -> None:
    from tenfold.cli.progress import Watcher

    with Watcher() as watch:
        watch(Member(1, 3, 7, finished=True))
        watch(Member(2, 3, 8, finished=False))
        watch(Progress(1, 2, 1, 2, 0.5, 0.5, 100.0))
        watch(EpochEnd(1, 2, 0.5, 0.9, None, None, 10.0, 100.0))
        watch(Finished(Path("a"), (), 20.0))
        watch(Finished(Path("a"), (), 30.0))
    assert capfd.readouterr().err.splitlines() == [
        "network 1/3, seed 7  trained earlier",
        "network 2/3, seed 8  epoch 1/2  loss 0.5000  accuracy 0.9000  10.0 s  100 images/s  30 s left",
        "network 2/3, seed 8  trained and written in 20.0 s",
        "trained and written in 30.0 s",
    ]
