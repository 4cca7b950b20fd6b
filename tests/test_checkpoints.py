"""Trainings that are stopped, killed, starved of disk or damaged end with the weights they would have had."""

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenfold
from makers.stopping import check_same, ignore, interrupt_after, kill_once
from tenfold.cli import main
from tenfold.data import Dataset, Split
from tenfold.errors import DataError, OptionError, RunError, TrainingError
from tenfold.making import Run, backend, finishing, fitting, recipe, resume, runs, train, training
from tenfold.making.beginnings import choose_recipe
from tenfold.making.checkpoints import Checkpoints, Keeper, State, from_bytes, to_bytes
from tenfold.making.events import EpochEnd, Note, Progress

KINDS: dict[str, dict[str, Any]] = {
    "classic": {"recipe": "classic", "epochs": 3, "dropout": 0.3, "batch_size": 32},
    "fast": {"recipe": "fast", "epochs": 3, "batch_size": 10},
    "ink": {"recipe": "ink", "epochs": 2, "batch_size": 10},
}
"""A short training of each mechanism; batches so small that an epoch of ink has several compiled calls."""

FEW: dict[str, Any] = {"limit": 600, "validation": 100}


@pytest.fixture(scope="module")
def data() -> Dataset:
    """600 images to train, 100 to validate, all to test."""
    return tenfold.load_mnist(**FEW)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than these trainings, and has tests of its own."""
    monkeypatch.setattr(finishing, "_draw", lambda *given: None)


@pytest.fixture(scope="module", autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python has it; a process started in the background is born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """One run of each kind that was never stopped."""
    done: dict[str, Run] = {}

    def give(kind: str) -> Run:
        if kind not in done:
            folder = tmp_path_factory.mktemp(kind) / "whole"
            done[kind] = train(data=data, out=folder, on_event=ignore, **KINDS[kind])
        return done[kind]

    return give


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_anywhere_and_resumed_ends_with_the_same_weights(
    kind: str, data: Dataset, whole: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "PROGRESS_EVERY", 0)
    random.seed(kind)
    # A compiled epoch is two calls here: the first stop is inside it, the second at its end.
    first, second = (1, 1) if kind != "classic" else (random.randint(1, 28), random.randint(1, 28))
    folder = tmp_path / "run"
    listen = interrupt_after(first)
    with pytest.raises(KeyboardInterrupt):
        train(data=data, out=folder, tensorboard=True, on_event=listen, **KINDS[kind])
    assert not (folder / runs.METRICS).exists()
    notes: list[str] = []

    def listen_again(event: object) -> None:
        interrupt(event)
        if isinstance(event, Note):
            notes.append(event.text)

    interrupt = interrupt_after(second)
    with pytest.raises(KeyboardInterrupt):
        resume(folder, data=data, on_event=listen_again)
    assert f"to go on: tenfold train --resume {folder}" in notes[-1]
    run = resume(folder, data=data, on_event=ignore)
    check_same(run, whole(kind))
    assert sorted(os.listdir(folder)) == sorted([*whole(kind).files, runs.TENSORBOARD])
    (log,) = (folder / runs.TENSORBOARD).iterdir()
    assert logged(log) == [
        (name, row["epoch"], np.float32(value))
        for row in run.history
        for name, value in row.items()
        if name != "epoch"
    ]


def logged(path: Path) -> list[tuple[str, int, float]]:
    """What TensorBoard finds in a log: name, epoch, value."""
    return [
        (value.tag, event.step, backend.tensorflow.make_ndarray(value.tensor).item())
        for event in backend.tensorflow.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_kill_9_at_any_moment_and_resumed_ends_with_the_same_weights(
    kind: str, whole: Callable[[str], Run], tmp_path: Path
) -> None:
    random.seed(f"kill {kind}")
    code = f"import tenfold; tenfold.train(out='killed', save_every=0, **{FEW | KINDS[kind]!r})"
    saved = Checkpoints(tmp_path / "killed" / runs.CHECKPOINTS)
    for command in (["-c", code], ["-m", "tenfold", "train", "--resume", "killed"]):
        kill_once([sys.executable, *command], tmp_path, lambda: saved.paths()[:1], random.random())
        assert saved.paths()
    check_same(resume(tmp_path / "killed", on_event=ignore), whole(kind))


# --- checkpoints


@st.composite
def states(draw: st.DrawFn) -> State:
    names = draw(st.lists(st.text(max_size=8), unique=True, max_size=3))
    shapes = st.lists(st.integers(0, 3), max_size=3)
    arrays = {
        name: np.frombuffer(draw(st.binary(min_size=8, max_size=8)), np.uint8)[:1].astype(
            draw(st.sampled_from(["float32", "int64", "uint32"]))
        )
        * np.ones(draw(shapes), "int8")
        for name in names
    }
    return State(
        {"epoch": draw(st.integers(0, 9)), "sums": [draw(st.floats(allow_nan=False, width=32))]}, arrays
    )


@given(states())
def test_a_checkpoint_gives_back_what_it_was_given(state: State) -> None:
    if any(np.isinf(state.place["sums"])):
        return
    again = from_bytes(to_bytes(state))
    assert again.place == state.place
    assert list(again.arrays) == list(state.arrays)
    for name, array in state.arrays.items():
        assert again.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(again.arrays[name], array)


@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans())
def test_any_damage_is_seen(place: int, change: int, cut: bool) -> None:
    content = bytearray(to_bytes(State({"epoch": 1}, {"weights/0": np.arange(20, dtype=np.float32)})))
    place %= len(content)
    if cut:
        del content[place:]
    else:
        content[place] ^= change
    with pytest.raises(RunError):
        from_bytes(bytes(content))


@given(st.binary(max_size=200))
def test_any_bytes_are_one_error(content: bytes) -> None:
    import hashlib

    signed = b"tenfold checkpoint 1 " + hashlib.sha256(content).hexdigest().encode() + b"\n" + content
    for given_bytes in (content, signed):
        with pytest.raises(RunError):
            from_bytes(given_bytes)


def test_the_last_two_are_kept_and_the_newest_whole_one_is_used(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path / "checkpoints")
    assert store.newest() == (None, {})
    for step in (3, 10, 200):
        store.save(step, State({"epoch": step}, {}))
    newer, older = store.paths()
    assert [newer.name, older.name] == ["000000200.checkpoint", "000000010.checkpoint"]
    newer.write_bytes(newer.read_bytes()[:-3])
    state, remarks = store.newest()
    assert state is not None
    assert state.place["epoch"] == 10
    assert remarks == {newer: f"{newer}: cannot be used (damaged or cut off)"}
    older.write_bytes(b"")
    assert store.newest()[0] is None
    assert len(store.newest()[1]) == 2
    store.clear()
    assert list(tmp_path.iterdir()) == []


# --- what can go wrong with a run


@pytest.fixture
def stopped(data: Dataset, tmp_path: Path) -> Path:
    """A run of the classic recipe, stopped after its first epoch, with two checkpoints."""
    with pytest.raises(KeyboardInterrupt):
        train(
            data=data,
            out=tmp_path / "run",
            save_every=0,
            on_event=stop_at_end,
            **KINDS["classic"],
        )
    assert len(Checkpoints(tmp_path / "run" / runs.CHECKPOINTS).paths()) == 2
    return tmp_path / "run"


def stop_at_end(event: object) -> None:
    if isinstance(event, EpochEnd):
        signal.raise_signal(signal.SIGINT)


def test_a_damaged_newest_checkpoint_is_passed_over_and_said(stopped: Path) -> None:
    newest, before = Checkpoints(stopped / runs.CHECKPOINTS).paths()
    newest.write_bytes(newest.read_bytes()[:5000])
    keeper, notes = restore(stopped)
    assert keeper.restored is not None
    assert to_bytes(from_bytes(before.read_bytes())) == to_bytes(keeper.restored)
    assert notes == [
        f"{newest}: cannot be used (damaged or cut off)",
        "going on from the checkpoint before; whole epochs in it: 0",
    ]


def test_without_a_whole_checkpoint_it_starts_over_and_says_so(stopped: Path) -> None:
    for path in Checkpoints(stopped / runs.CHECKPOINTS).paths():
        path.write_bytes(b"")
    keeper, notes = restore(stopped)
    assert (keeper.restored, keeper.rows) == (None, [])
    assert notes[-1] == "no checkpoint to go on from: starting over"
    assert not (stopped / runs.HISTORY).exists()


def restore(folder: Path) -> tuple[Keeper, list[str]]:
    notes: list[Any] = []
    keeper = Keeper(folder, notes.append)
    keeper.restore()
    return keeper, [note.text for note in notes]


def test_damaged_checkpoints_take_no_room_from_those_to_come(stopped: Path) -> None:
    store = Checkpoints(stopped / runs.CHECKPOINTS)
    for path in store.paths():
        path.write_bytes(b"")
    keeper, _ = restore(stopped)
    assert not keeper.holds
    for step in (1, 2, 3):
        store.save(step, State({"epoch": 0, "step": step}, {}))
    assert [path.name for path in store.paths()] == ["000000003.checkpoint", "000000002.checkpoint"]
    store.clear()
    assert not store.folder.exists()


@pytest.mark.parametrize(
    "place",
    [{}, {"epoch": -1}, {"rows": [1]}, {"rows": []}, {"seconds": "x"}, {"step": -3},
     {"epoch": 9, "rows": [{}] * 9}, {"step": 10**9}],
)  # fmt: skip
def test_a_checkpoint_with_a_place_that_cannot_be_is_refused(
    place: dict[str, Any], stopped: Path, data: Dataset
) -> None:
    for path in Checkpoints(stopped / runs.CHECKPOINTS).paths():
        state = from_bytes(path.read_bytes())
        path.write_bytes(to_bytes(State({**state.place, **place} if place else {}, state.arrays)))
    with pytest.raises(RunError, match=r"not a checkpoint of a training|beyond the training's end"):
        resume(stopped, data=data, on_event=ignore)


def test_another_plan_than_the_checkpoints_were_made_by_is_refused(stopped: Path, data: Dataset) -> None:
    content = json.loads((stopped / runs.PLAN).read_text())
    content["plan"]["recipe"]["epochs"] = 4
    (stopped / runs.PLAN).write_text(json.dumps(content))
    with pytest.raises(RunError, match="made by another plan"):
        resume(stopped, data=data, on_event=ignore)


def test_a_run_that_another_process_finishes_meanwhile_is_left_alone(
    stopped: Path, data: Dataset, whole: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = training.describe_versions

    def finish_meanwhile() -> dict[str, str]:
        monkeypatch.setattr(training, "describe_versions", describe)
        resume(stopped, data=data, on_event=ignore)
        return describe()

    monkeypatch.setattr(training, "describe_versions", finish_meanwhile)
    check_same(resume(stopped, data=data, on_event=ignore), whole("classic"))


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (OSError(28, "No space left on device"), "make room, then"),
        (OSError(5, "Input/output error"), "to go on:"),
    ],
)
def test_a_training_whose_end_fails_goes_on_from_its_last_epoch(
    trouble: OSError, advice: str, data: Dataset, whole: Callable[[str], Run], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail(*given: object) -> None:
        raise trouble

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(training, "finish", fail)
        with pytest.raises(RunError, match=rf"{trouble.strerror}.*{advice} tenfold train --resume"):
            train(data=data, out=folder, save_every=999, on_event=ignore, **KINDS["classic"])
    check_same(resume(folder, data=data, on_event=ignore), whole("classic"))


@pytest.mark.slow
def test_a_training_whose_helpers_are_killed_says_so_and_goes_on(data: Dataset, tmp_path: Path) -> None:
    def kill(event: object) -> None:
        if isinstance(event, Progress) and event.epoch == 1:
            for child in multiprocessing.active_children():
                child.kill()

    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"draws images was ended.*to go on: tenfold train --resume"):
        train(data=data, out=folder, save_every=0, on_event=kill, **KINDS["ink"] | {"epochs": 4})
    assert len(resume(folder, data=data, on_event=ignore).history) == 4


def test_a_disk_that_fills_up_costs_no_checkpoint(
    data: Dataset, whole: Callable[[str], Run], tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(event: object) -> None:
        if isinstance(event, EpochEnd) and event.epoch == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    try:
        with pytest.raises(RunError, match=r"cannot be written .*make room, then tenfold train --resume"):
            train(data=data, out=tmp_path / "run", save_every=0, on_event=fill, **KINDS["classic"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert len(list((tmp_path / "run" / runs.CHECKPOINTS).iterdir())) == 2
    check_same(resume(tmp_path / "run", data=data, on_event=ignore), whole("classic"))


def test_too_little_room_is_said_before_it_goes_on(
    stopped: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SPARE_BYTES", 1 << 60)
    with pytest.raises(RunError, match="MB are free, the run needs up to"):
        resume(stopped, data=data)


def test_a_loss_that_is_lost_keeps_the_weights_of_the_last_good_epoch(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    build = training.build_network
    monkeypatch.setattr(training, "build_network", lambda *a, **k: made.append(build(*a, **k)) or made[-1])
    monkeypatch.setattr(fitting, "PROGRESS_EVERY", 0)
    good: list[np.ndarray] = []

    def spoil(event: object) -> None:
        if isinstance(event, EpochEnd):
            good[:] = made[0].get_weights()
        if isinstance(event, Progress) and event.epoch == 2:
            made[0].set_weights([weight * np.nan for weight in made[0].get_weights()])

    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"weights of epoch 1 are kept.*--init") as caught:
        train(data=data, out=folder, on_event=spoil, **KINDS["classic"])
    assert f"tenfold train --init {folder} --learning-rate 0.0001" in str(caught.value)
    kept = fitting.keras.models.load_model(folder / runs.MODEL).get_weights()
    for mine, theirs in zip(kept, good, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    again = choose_recipe(None, {"epochs": 1}, folder)
    assert (again.epochs, again.learning_rate, again.dropout) == (1, 0.0001, 0.3)


def test_a_loss_that_is_lost_again_leaves_the_good_weights_alone(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "PROGRESS_EVERY", 0)
    check = fitting._Watcher._check

    def lose(self: Any, loss: float) -> None:
        check(self, np.nan if (self.epoch, self.batch) == (1, 9) else loss)

    monkeypatch.setattr(fitting._Watcher, "_check", lose)
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match="weights of epoch 1 are kept"):
        train(data=data, out=folder, save_every=0, on_event=ignore, **KINDS["classic"])
    good = (folder / runs.MODEL).read_bytes()
    with pytest.raises(TrainingError, match="not finite in epoch 2"):
        resume(folder, data=data, on_event=ignore)
    assert (folder / runs.MODEL).read_bytes() == good


@pytest.mark.parametrize("kind", ["classic", "fast"])
def test_a_loss_that_is_lost_at_once_leaves_nothing(kind: str, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"not finite in epoch 1: .* too high.* try 0\.00"):
        train(
            data=data,
            out=tmp_path / "run",
            save_every=0,
            on_event=ignore,
            **KINDS[kind] | {"learning_rate": 1e30},
        )
    assert list(tmp_path.iterdir()) == []


def test_other_data_is_refused_with_the_difference(stopped: Path, data: Dataset) -> None:
    other = replace(data, train=Split(data.train.images[:500], data.train.labels[:500]), sha256="0" * 64)
    with pytest.raises(
        OptionError, match=r"begun with other data .*sha256 .*, now 0{12}.*train 600, now 500"
    ):
        resume(stopped, data=other)
    with pytest.raises(OptionError, match="was begun by a program with data of its own"):
        resume(stopped)


def test_other_settings_are_refused_with_the_difference(
    stopped: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = ["--resume", str(stopped), "--epochs", "7", "--recipe", "ink", "--batch-size", "32"]
    assert main(["train", *given]) == 2
    error = capfd.readouterr().err
    assert "recipe classic, now ink; epochs 3, now 7)" in error
    assert "batch_size" not in error
    assert main(["train", "--resume", str(stopped), "--out", "elsewhere"]) == 2


def test_a_run_is_trained_by_one_process_at_a_time(stopped: Path, data: Dataset) -> None:
    with runs.held(stopped), pytest.raises(RunError, match="another process is at work in it"):
        resume(stopped, data=data)


def test_a_name_that_is_taken_by_a_stopped_run_is_told_apart(stopped: Path, data: Dataset) -> None:
    with pytest.raises(RunError, match="holds a run that is not finished: `tenfold train --resume"):
        train(data=data, out=stopped)
    with pytest.raises(RunError, match="not a finished run; `tenfold train --resume"):
        runs.load_run(stopped)


def test_a_finished_run_says_so(whole: Callable[[str], Run], capfd: pytest.CaptureFixture[str]) -> None:
    run = whole("classic")
    before = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    assert main(["train", "--resume", str(run.folder)]) == 0
    out, err = capfd.readouterr()
    assert f"{run.folder} is finished" in err
    assert out.splitlines()[-1].startswith("Test accuracy: ")
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such run folder"),
        ({}, "not a run, it holds no run.json"),
        ({"run.json": "{"}, "run.json: damaged"),
        ({"run.json": "[]"}, "run.json: damaged"),
        ({"run.json": '{"format": 2}'}, "made by another version"),
        ({"run.json": '{"format": 1, "plan": {"recipe": {}}}'}, "run.json: damaged"),
    ],
)  # fmt: skip
def test_what_is_no_run_is_one_line(
    content: dict[str, str] | None, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    for option in ("--resume", "--init"):
        assert main(["train", option, str(folder)]) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert message in line


def test_choices_that_cannot_be_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given_choice in (
        ["--seed", "-1"], ["--recipe", "clasic"], ["--epochs", "0"], ["--save-every", "-1"], ["--nothing"],
        ["--batch-size", "0"], ["--validation", "0", "--early-stopping", "2"],
        ["--limit", "100", "--batch-size", "101"],
    ):  # fmt: skip
        assert main(["train", *given_choice]) == 2
    assert list(tmp_path.iterdir()) == []


# --- going on from another run, and logs


def test_init_begins_with_the_weights_of_another_run(
    data: Dataset, whole: Callable[[str], Run], tmp_path: Path
) -> None:
    begun = whole("classic")
    notes: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    some = data.train.labels < 5
    few = Split(data.train.images[some], data.train.labels[some])
    letters = replace(data, train=few, validation=few, class_names=tuple("01234"), test=None, sha256="1" * 64)
    run = train(data=letters, init=begun.folder, epochs=1, out=tmp_path / "run", on_event=listen)
    assert run.recipe == replace(begun.recipe, epochs=1, learning_rate=begun.recipe.rate / 10)
    assert run.reader().labels == tuple("0123456789")
    assert run.history[0]["accuracy"] > begun.history[0]["accuracy"]
    assert set(run.metrics["mnist"]) == {"before", "after"}
    assert any(note.startswith("MNIST test accuracy: ") for note in notes)
    with pytest.raises(OptionError, match=r"tells 10 classes apart .* this data has 3"):
        train(data=replace(letters, class_names=("a", "b", "c")), init=begun.folder, out=tmp_path / "other")
    with pytest.raises(OptionError, match="weights of the network classic, the recipe ink trains ink"):
        train("ink", data=data, init=begun.folder, out=tmp_path / "other")


def test_a_run_needs_the_one_it_began_with_only_for_its_first_step(
    data: Dataset, whole: Callable[[str], Run], tmp_path: Path
) -> None:
    begun, folder = tmp_path / "begun", tmp_path / "run"
    shutil.copytree(whole("classic").folder, begun)
    through = train(data=data, init=begun, epochs=2, out=tmp_path / "through", on_event=ignore)
    with pytest.raises(KeyboardInterrupt):
        train(data=data, init=begun, epochs=2, save_every=0, out=folder, on_event=stop_at_end)
    (begun / runs.MODEL).unlink()
    kept = Checkpoints(folder / runs.CHECKPOINTS)
    aside = {path: path.read_bytes() for path in kept.paths()}
    kept.clear()
    with pytest.raises(RunError, match="cannot be read"):
        resume(folder, data=data, on_event=ignore)
    model = training.build_network("classic", dropout=0.3)
    model.save(begun / runs.MODEL)
    with pytest.raises(OptionError, match="begun with other weights"):
        resume(folder, data=data, on_event=ignore)
    kept.folder.mkdir(exist_ok=True)
    for path, content in aside.items():
        path.write_bytes(content)
    check_same(resume(folder, data=data, on_event=ignore), through)


def test_a_recipe_s_own_batch_gives_way_to_few_images(data: Dataset, tmp_path: Path) -> None:
    few = replace(data, train=Split(data.train.images[:55], data.train.labels[:55]), sha256="2" * 64)
    notes: list[str] = []
    run = train(
        "fast", data=few, epochs=1, out=tmp_path / "run",
        on_event=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )  # fmt: skip
    assert run.recipe.batch_size == 13
    assert notes[0] == "batches of 13: the recipe's 240 are more than the 55 training images"
    with pytest.raises(OptionError, match="a batch of 56 is larger than the 55 training images"):
        train("fast", data=few, batch_size=56, out=tmp_path / "other")


def test_without_validation_nothing_is_measured_on_it(data: Dataset, tmp_path: Path) -> None:
    run = train(limit=300, validation=0, epochs=1, out=tmp_path / "run", on_event=ignore)
    assert run.metrics["data"]["validation"] == 0
    assert sorted(run.figures) == ["test_accuracy", "test_loss"]
    assert not any(name.startswith("val") for name in run.history[0])
    with pytest.raises(OptionError, match="early stopping watches the validation loss"):
        train(limit=300, validation=0, epochs=3, early_stopping=1, out=tmp_path / "other")


def test_early_stopping_goes_on_where_it_was(data: Dataset, tmp_path: Path) -> None:
    chosen = recipe("classic", epochs=30, early_stopping=2, learning_rate=0.01, batch_size=16)

    def fit(keeper: Keeper, stop: int | None) -> tuple[str, fitting.Fitted]:
        def listen(event: object) -> None:
            keeper.asked_to_stop = isinstance(event, EpochEnd) and event.epoch == stop

        fitting.keras.utils.set_random_seed(3)
        model = training.build_network("classic")
        fitted = fitting.fit_stock(model, chosen, data, 3, listen, keeper)
        return finishing.hash_weights(model), fitted

    weights, through = fit(Keeper(), None)
    assert len(through.history) < 30
    with pytest.raises(KeyboardInterrupt):
        fit(Keeper(tmp_path), through.kept_epoch + 1)
    keeper = Keeper(tmp_path)
    keeper.restore()
    again, resumed = fit(keeper, None)
    assert again == weights
    assert resumed.kept_epoch == through.kept_epoch
    assert [row["val_loss"] for row in resumed.history] == [row["val_loss"] for row in through.history]


def test_a_class_without_images_is_refused_by_name(data: Dataset, tmp_path: Path) -> None:
    some = data.train.labels != 5
    train_split = Split(data.train.images[some], data.train.labels[some])
    with pytest.raises(DataError, match=r'no training image of 1 of 10 classes \("5"\)'):
        train(data=replace(data, train=train_split), out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_keeps_the_whole_recipe(stopped: Path) -> None:
    plan = json.loads((stopped / runs.PLAN).read_text())["plan"]
    assert plan["recipe"]["dropout"] == 0.3
    assert recipe(plan["recipe"]["name"], **{k: v for k, v in plan["recipe"].items() if k != "name"})
