"""Making readers: real training, on few images."""

import contextlib
import csv
import gc
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenfold
from tenfold.data import Dataset, Split
from tenfold.data.writing import written_aside
from tenfold.errors import (
    DataError,
    MissingExtraError,
    OptionError,
    ReaderError,
    RunError,
    TrainingError,
    pip_line,
)
from tenfold.making import RECIPES, Recipe, Run, backend, build_network, export, load_run, recipe, runs, train
from tenfold.making.backend import keras
from tenfold.making.batches import stream_batches
from tenfold.making.events import EpochEnd, Finished, Note, Progress, Started
from tenfold.making.fitting import fit_stock
from tenfold.making.recipes import ACTIVATIONS, LOSSES, OPTIMIZERS
from tenfold.reading.bundle import read_card

RATES = Path(__file__).parents[1] / "benchmarks" / "results" / "learning_rates.json"


@pytest.fixture(scope="module")
def data() -> Dataset:
    """MNIST cut down: 2,000 images to train, 300 to validate, 500 to test."""
    whole = tenfold.load_mnist(limit=2000, validation=300)
    assert whole.test is not None
    return replace(whole, test=Split(whole.test.images[:500], whole.test.labels[:500]))


@pytest.fixture(scope="module")
def few(data: Dataset) -> Dataset:
    """Hardly any training images, for what must merely run."""
    return replace(data, train=Split(data.train.images[:300], data.train.labels[:300]))


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train("classic", data=data, epochs=2, batch_size=32, out=tmp_path_factory.mktemp("runs") / "run")


def fit(data: Dataset, seed: int = 1, **choices: object) -> tuple[keras.Model, list[object], float]:
    """Train without a run folder: the model, the events, the validation accuracy."""
    keras.utils.set_random_seed(seed)
    chosen = recipe("classic", **choices)
    model = build_network(chosen.network, len(data.class_names), chosen.activation)
    events: list[object] = []
    fitted = fit_stock(model, chosen, data, seed, events.append)
    return model, events, fitted.history[-1]["val_accuracy"]


# --- networks and recipes


def test_classic_network_has_the_published_parameters() -> None:
    model = build_network("classic", 10, "relu")
    assert model.count_params() == 93_322
    assert [layer.__class__.__name__ for layer in model.layers] == [
        "Rescaling", "Reshape", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Conv2D", "Flatten",
        "Dense", "Dense",
    ]  # fmt: skip
    assert model.input_shape == (None, 28, 28)
    assert model.output_shape == (None, 10)


def test_network_takes_uint8_and_scales_inside() -> None:
    model = build_network("classic", 3)
    images = np.random.default_rng(1).integers(0, 256, (4, 28, 28)).astype(np.uint8)
    inner = keras.Sequential([layer for layer in model.layers if layer.name not in ("channel", "scaling")])
    scaled = images[..., None].astype(np.float32) / 255
    np.testing.assert_allclose(np.asarray(model(images)), np.asarray(inner(scaled)), atol=1e-6)


@pytest.mark.parametrize("classes", [-1, 0, 1])
def test_network_refuses_fewer_than_two_classes(classes: int) -> None:
    with pytest.raises(OptionError, match="two classes"):
        build_network("classic", classes)


# Where every output is positive the gradients start small, and it takes more steps to leave chance behind.
SLOW_ACTIVATIONS = {"sigmoid": 4, "softmax": 4}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_trains_and_exports(activation: str, data: Dataset, tmp_path: Path) -> None:
    epochs = SLOW_ACTIVATIONS.get(activation, 1)
    model, _, accuracy = fit(data, activation=activation, epochs=epochs, batch_size=16)
    assert accuracy > 0.3
    check_equal(model, data, tmp_path / "reader.onnx")


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != Recipe.loss])
def test_each_loss_trains(loss: str, data: Dataset) -> None:
    assert fit(data, loss=loss, epochs=1, batch_size=16)[2] > 0.3


@pytest.mark.parametrize(
    "optimizer", [optimizer for optimizer in OPTIMIZERS if optimizer != Recipe.optimizer]
)
def test_each_optimizer_trains_at_its_own_rate(optimizer: str, data: Dataset) -> None:
    assert fit(data, optimizer=optimizer, epochs=1, batch_size=16)[2] > 0.3


def test_default_rates_are_those_measured() -> None:
    """Adam keeps Keras' own, which the classic recipe is published with."""
    measured = json.loads(RATES.read_text())["chosen"]
    assert {**measured, "adam": 0.001} == OPTIMIZERS


def test_every_epoch_has_every_image_in_an_order_of_its_own() -> None:
    images, places = np.zeros((300, 28, 28), np.uint8), np.arange(300)

    def order(seed: int) -> np.ndarray:
        batches = list(stream_batches(images, places, 64, 3, seed))
        assert [len(batch) for batch, _ in batches] == [64, 64, 64, 64, 44] * 3
        return np.concatenate([labels.numpy() for _, labels in batches]).reshape(3, 300)

    first = order(2**32 - 1)
    assert [sorted(epoch) for epoch in first] == [list(range(300))] * 3
    assert len({tuple(epoch) for epoch in (*first, *order(1), places)}) == 7
    np.testing.assert_array_equal(first, order(2**32 - 1))


def test_sparse_and_one_hot_labels_train_the_same_weights(few: Dataset) -> None:
    one_hot, _, _ = fit(few, loss="categorical_crossentropy", epochs=1)
    integer, _, _ = fit(few, loss="sparse_categorical_crossentropy", epochs=1)
    for a, b in zip(one_hot.get_weights(), integer.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_recipe_changes_only_what_is_chosen() -> None:
    assert recipe("classic", activation=None, epochs=None) == RECIPES["classic"]
    chosen = recipe("classic", optimizer="adadelta", epochs=7)
    assert (chosen.optimizer, chosen.rate, chosen.epochs) == ("adadelta", 1.0, 7)
    assert chosen == replace(RECIPES["classic"], optimizer="adadelta", epochs=7)
    assert recipe("classic", learning_rate=0.5).rate == 0.5


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"activation": "leaky-relu"}, r"called 'leaky-relu' \(did you mean leaky_relu\?\); there are relu"),
        ({"activation": "swish"}, r"no activation is called 'swish'; there are relu, sigmoid, tanh"),
        ({"loss": "categorical-cross-entropy"}, "did you mean categorical_crossentropy"),
        ({"optimizer": "Adma"}, "did you mean adam"),
        ({"network": 7}, "no network is called 7"),
        ({"batchsize": 7}, "no choice is called 'batchsize' .did you mean batch_size"),
        ({"epochs": 0}, "epochs must be a whole number from 1 to 1,000,000, got 0"),
        ({"epochs": 2.5}, "got 2.5"),
        ({"epochs": True}, "got True"),
        ({"batch_size": -64}, "batch size must be"),
        ({"learning_rate": -0.1}, "learning rate must be a number above 0, got -0.1"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": math.nan}, "above 0, got nan"),
        ({"learning_rate": math.inf}, "above 0"),
        ({"learning_rate": "fast"}, "above 0"),
        ({"early_stopping": 0}, "patience must be"),
        ({"early_stopping": 5}, "can never stop a run of 5 epochs"),
    ],
)  # fmt: skip
def test_bad_choices_are_one_line(choices: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        train("classic", out=tmp_path / "run", **choices)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean classic"):
        recipe("clasic")


def test_recipes_load_without_tensorflow() -> None:
    code = (
        "import sys, tenfold.making.recipes as r; r.recipe('classic'); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- training


def test_run_folder_holds_everything(run: Run, data: Dataset) -> None:
    assert sorted(os.listdir(run.folder)) == sorted(runs.FILES)
    assert run.files == runs.FILES
    for name in (runs.SAMPLES, runs.CURVES, runs.CONFUSION, runs.MISTAKES):
        assert (run.folder / name).read_bytes().startswith(b"\x89PNG")
    with (run.folder / runs.HISTORY).open() as file:
        rows = list(csv.DictReader(file))
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    assert [list(row) for row in rows] == [columns, columns]
    metrics = json.loads((run.folder / runs.METRICS).read_text())
    assert metrics["seed"] == 1
    assert metrics["parameters"] == 93_322
    assert metrics["recipe"]["learning_rate"] == OPTIMIZERS["adam"]
    assert metrics["data"]["sha256"] == data.sha256
    assert (metrics["data"]["train"], metrics["data"]["test"]) == (2000, 500)
    assert metrics["versions"]["keras"] == keras.__version__
    assert metrics["seconds"]["total"] >= metrics["seconds"]["fit"] > 0
    assert run.figures["test_accuracy"] > 0.7


def test_figures_are_those_of_the_saved_reader_and_of_keras(run: Run, data: Dataset) -> None:
    assert data.test is not None
    report = tenfold.evaluate(run.reader(), data.test)
    assert report.accuracy == run.figures["test_accuracy"]
    assert report.loss == run.figures["test_loss"]
    model = keras.models.load_model(run.folder / runs.MODEL)
    labels = keras.utils.to_categorical(data.test.labels, 10)
    loss, accuracy = model.evaluate(data.test.images, labels, verbose=0)
    assert accuracy == pytest.approx(report.accuracy, abs=1e-6)
    assert loss == pytest.approx(report.loss, abs=1e-5)
    assert run.history[-1]["val_loss"] == pytest.approx(run.figures["validation_loss"], abs=1e-5)


def test_card_says_what_was_done(run: Run) -> None:
    card = read_card(run.folder)
    assert card.recipe == "classic"
    assert card.labels == tuple("0123456789")
    assert card.figures == run.figures
    assert card.settings["epochs"] == 2
    assert card.weights_sha256 == run.metrics["weights_sha256"]
    assert card.data_sha256 == run.metrics["data"]["sha256"]


def test_run_is_read_back_whole(run: Run) -> None:
    again = load_run(run.folder)
    assert again.recipe == run.recipe
    assert again.history == run.history
    assert again.metrics == run.metrics


def test_same_seed_gives_the_same_weights_and_another_does_not(few: Dataset) -> None:
    first, again, other = (export.hash_weights(fit(few, seed, epochs=2)[0]) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_events_come_in_order(few: Dataset, tmp_path: Path) -> None:
    events: list[object] = []
    run = train("classic", data=few, epochs=2, out=tmp_path / "run", on_event=events.append)
    kinds = [type(event) for event in events if not isinstance(event, Progress | Note)]
    assert kinds == [Started, EpochEnd, EpochEnd, Finished]
    started, finished = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert (started.train, started.validation, started.test, started.batches) == (300, 300, 500, 5)
    assert started.parameters == 93_322
    assert finished.folder == run.folder
    assert finished.files == runs.FILES
    for event in events:
        if isinstance(event, Progress):
            assert 1 <= event.batch <= event.batches == 5
            assert event.images_per_second > 0


def test_early_stopping_keeps_the_best_epoch(few: Dataset) -> None:
    # At this rate the validation loss rises soon.
    keras.utils.set_random_seed(1)
    chosen = recipe("classic", epochs=40, early_stopping=1, learning_rate=0.01, batch_size=16)
    model = build_network()
    events: list[object] = []
    fitted = fit_stock(model, chosen, few, 1, events.append)
    losses = [row["val_loss"] for row in fitted.history]
    assert len(losses) < 40
    assert fitted.kept_epoch == int(np.argmin(losses)) + 1
    labels = keras.utils.to_categorical(few.validation.labels, 10)
    kept, _ = model.evaluate(few.validation.images, labels, verbose=0)
    assert kept == pytest.approx(min(losses), abs=1e-4)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert f"the weights of epoch {fitted.kept_epoch}, with the lowest validation loss, are kept" in notes[0]


def test_notes_are_python_warnings_where_nobody_listens(few: Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        train("classic", data=few, activation="softmax", epochs=2, early_stopping=1, out=tmp_path / "run")
    softmax, stopped, chance = (str(warning.message) for warning in caught if warning.category is UserWarning)
    assert "their gradients vanish" in softmax
    assert "with the lowest validation loss, are kept" in stopped
    assert "it has learnt nothing yet" in chance


def test_data_without_test_images(few: Dataset, tmp_path: Path) -> None:
    run = train("classic", data=replace(few, test=None), epochs=1, out=tmp_path / "run")
    assert sorted(run.figures) == ["validation_accuracy", "validation_loss"]
    assert run.files == runs.FILES


def test_other_classes_keep_their_names(few: Dataset, tmp_path: Path) -> None:
    def pick(split: Split | None) -> Split:
        assert split is not None
        chosen = split.labels < 3
        return Split(split.images[chosen], split.labels[chosen])

    names = ("zero", "one", "two")
    letters = replace(
        few, train=pick(few.train), validation=pick(few.validation), test=pick(few.test), class_names=names
    )
    run = train("classic", data=letters, epochs=2, batch_size=16, out=tmp_path / "run")
    assert letters.test is not None
    answer = run.reader().predict_many(letters.test.images[:1], prepared=True)[0]
    assert run.reader().labels == names
    assert answer.label in names
    assert answer.probabilities.shape == (3,)


def test_loss_not_finite_is_refused_with_advice_and_leaves_nothing(few: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"a learning rate of 1e\+30 is too high for sgd here; try 0.1"):
        train("classic", data=few, optimizer="sgd", learning_rate=1e30, out=tmp_path / "new" / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 301}, "a batch of 301 is larger than the 300 training images"),
        ({"seed": -1}, "the seed must be a whole number from 0"),
        ({"seed": 2**32}, "the seed must be"),
        ({"seed": 1.5}, "the seed must be"),
        ({"limit": 5}, "limit: give it to load_data"),
        ({"recipe": RECIPES["classic"], "epochs": 2}, "a Recipe is complete"),
        ({"recipe": 7}, "a recipe is a name or a Recipe, got int"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: dict[str, object], message: str, few: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        train(**{"data": few, "out": tmp_path / "run", **arguments})
    assert not (tmp_path / "run").exists()


def test_early_stopping_needs_held_out_images(few: Dataset, tmp_path: Path) -> None:
    bare = replace(few, validation=Split(few.validation.images[:0], few.validation.labels[:0]))
    with pytest.raises(OptionError, match="no images are held out"):
        train("classic", data=bare, early_stopping=2, out=tmp_path / "run")
    run = train("classic", data=bare, epochs=1, out=tmp_path / "run")
    assert sorted(run.figures) == ["test_accuracy", "test_loss"]
    assert "val_loss" not in run.history[0]


def test_data_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train("classic", data=tmp_path / "none.npz", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- the run folder


def test_default_folder_is_named_by_time_and_recipe(
    few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (first, *above), (second,) = (runs.claim_folder(None, "classic", {}, 0) for _ in range(2))
    assert first.parent == second.parent == Path("runs")
    assert above == [Path("runs")]
    assert first != second
    assert first.name.endswith("-classic")
    assert os.listdir(first) == [runs.PLAN]


def test_existing_folder_is_refused_and_left_alone(run: Run, few: Dataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    with pytest.raises(RunError, match="exists already; a run never overwrites another"):
        train("classic", data=few, out=run.folder)
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_folders_without_a_name_are_there_too(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="exists already"):
        runs.claim_folder(name, "classic", {}, 0)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made(few: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match="the run folder cannot be made"):
        train("classic", data=few, out=tmp_path / "file" / "run")
    with pytest.raises(RunError, match="the run folder cannot be made"):
        train("classic", data=few, out="run\0")


def test_disk_too_full_is_said_before_training(few: Dataset, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"MB are free, the run needs up to"):
        runs.claim_folder(tmp_path / "new" / "run", "classic", {}, 1 << 60)
    assert list(tmp_path.iterdir()) == []


def test_disk_that_fills_up_leaves_nothing(few: Dataset, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the model needs more
    try:
        with pytest.raises(RunError, match=r"model\.keras: cannot be written \(File too large\)") as caught:
            train("classic", data=few, epochs=1, save_every=1e9, out=tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_removes_its_own_files_only(few: Dataset, tmp_path: Path) -> None:
    def stop(event: object) -> None:
        if isinstance(event, EpochEnd):
            assert (tmp_path / "run" / runs.HISTORY).read_text().count("\n") == 2
            (tmp_path / "run" / "notes.txt").write_text("the user's own")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("classic", data=few, out=tmp_path / "run", on_event=stop)
    assert os.listdir(tmp_path / "run") == ["notes.txt"]


@pytest.mark.slow
def test_training_keeps_tensorflow_quiet(tmp_path: Path) -> None:
    code = """
        import sys, tenfold
        tenfold.train("classic", limit=300, epochs=1, activation="leaky_relu", out=sys.argv[1],
                      on_event=lambda event: None)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "run")]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / runs.METRICS).unlink(), "not a finished run, metrics.json missing"),
        (lambda folder: (folder / runs.READER).unlink(), "reader.onnx missing"),
        (lambda folder: (folder / runs.METRICS).write_text("{"), "metrics.json: damaged"),
        (lambda folder: (folder / runs.METRICS).write_text("[]"), "metrics.json: damaged"),
        (lambda folder: (folder / runs.METRICS).write_text('{"recipe": {}}'), "metrics.json: damaged"),
        (lambda folder: (folder / runs.METRICS).write_bytes(b"\xff\xfe"), "metrics.json: cannot be read"),
        (lambda folder: (folder / runs.METRICS).write_text("[" * 100_000), "metrics.json: damaged"),
        (lambda folder: (folder / runs.HISTORY).write_text("epoch,loss\n1,low\n"), "history.csv: damaged"),
        (lambda folder: (folder / runs.HISTORY).write_text("epoch\n1,2,3\n"), "history.csv: damaged"),
    ],
)  # fmt: skip
def test_damaged_run_is_one_line(run: Run, tmp_path: Path, damage: object, message: str) -> None:
    for name in (runs.METRICS, runs.HISTORY, runs.READER):
        (tmp_path / name).write_bytes((run.folder / name).read_bytes())
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(RunError, match=message) as caught:
        load_run(tmp_path)
    assert "\n" not in str(caught.value)


@given(
    metrics=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["recipe", "figures", "epochs", "loss"]), inner, max_size=4)
        ),
    ).map(lambda content: json.dumps(content).encode()),
    history=st.binary(max_size=60) | st.text('epoch,los1.5\n"', max_size=60).map(str.encode),
)
def test_any_bytes_are_a_run_or_one_error(metrics: bytes, history: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / runs.READER).write_bytes(b"")
        (Path(folder) / runs.METRICS).write_bytes(metrics)
        (Path(folder) / runs.HISTORY).write_bytes(history)
        with contextlib.suppress(RunError):
            assert isinstance(load_run(folder).figures, dict)


def test_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        load_run(tmp_path / "none")


# --- export


def check_equal(model: keras.Model, data: Dataset, path: Path) -> None:
    """Write the model and compare the file with it on all validation images."""
    export.write_reader(model, replace(CARD, labels=data.class_names), path)
    images = data.validation.images
    probabilities, _ = tenfold.load(path).probabilities(images)
    assert np.abs(probabilities - np.asarray(model(images))).max() < export.TOLERANCE


CARD = tenfold.Card(
    name="test", recipe="classic", labels=tuple("0123456789"), threshold=0.5, temperature=1.0, seed=1,
    data_sha256="0" * 64, weights_sha256="0" * 64, parameters=93_322,
)  # fmt: skip


def test_reader_keeps_the_contract(run: Run) -> None:
    session = onnxruntime.InferenceSession(run.folder / runs.READER)
    (images,) = session.get_inputs()
    (probabilities,) = session.get_outputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["n", 28, 28])
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    for n in (0, 1, 7):
        (answer,) = session.run(None, {"images": np.zeros((n, 28, 28), np.uint8)})
        assert answer.shape == (n, 10)
    onnx.checker.check_model(onnx.load(run.folder / runs.READER), full_check=True)


def test_same_model_gives_the_same_bytes_even_when_loaded(run: Run, tmp_path: Path) -> None:
    model = keras.models.load_model(run.folder / runs.MODEL)
    export.write_reader(model, read_card(run.folder), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (run.folder / runs.READER).read_bytes()


@pytest.mark.parametrize("flat", [True, False])
def test_reader_that_can_refuse(flat: bool, data: Dataset, tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    images = keras.Input((28, 28), dtype="uint8")
    inside = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    is_digit = keras.layers.Dense(1, activation="sigmoid")(inside)
    if flat:
        is_digit = keras.layers.Reshape(())(is_digit)
    model = keras.Model(images, [keras.layers.Dense(10, activation="softmax")(inside), is_digit])
    export.write_reader(model, CARD, tmp_path / "reader.onnx")
    some = data.validation.images[:20]
    probabilities, refused = tenfold.load(tmp_path / "reader.onnx").probabilities(some)
    expected = model(some)
    np.testing.assert_allclose(probabilities, np.asarray(expected[0]), atol=1e-5)
    np.testing.assert_allclose(refused, np.reshape(expected[1], -1), atol=1e-5)


def test_file_that_answers_differently_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build_network()
    convert = export._convert
    monkeypatch.setattr(export, "_convert", lambda model: convert(other))
    keras.utils.set_random_seed(2)
    other(np.zeros((1, 28, 28), np.uint8))
    with pytest.raises(ReaderError, match=r"differ from the Keras model's by .* nothing was written"):
        export.write_reader(build_network(), CARD, tmp_path / "reader.onnx")
    assert list(tmp_path.iterdir()) == []


def test_model_that_answers_nan_is_not_written(tmp_path: Path) -> None:
    model = build_network()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ReaderError, match="by nan"):
        export.write_reader(model, CARD, tmp_path / "reader.onnx")


def write_half(path: Path, failure: BaseException) -> None:
    with written_aside(path) as aside:
        aside.write_bytes(b"half")
        raise failure


def test_a_write_that_fails_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "reader.onnx"
    path.write_bytes(b"old")
    for failure, seen in (
        (OSError(28, "No space left on device"), RunError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):
        with pytest.raises(seen):
            write_half(path, failure)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- TensorFlow's absence and its chatter


def test_without_tensorflow_the_extra_is_named() -> None:
    code = """
        import sys
        sys.modules["tensorflow"] = None
        import tenfold
        try:
            tenfold.train
        except tenfold.errors.MissingExtraError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert f'needs the extra "train": {pip_line("train")}' in done.stdout
    assert done.stdout.count("\n") == 1


def test_old_keras_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "version", lambda name: "3.12.4")
    with pytest.raises(MissingExtraError, match=r"Keras 3\.15\.1 or newer; 3\.12\.4 is installed"):
        backend._check_keras()
    for fine in ("3.15.1", "3.16.0rc1", "4.0"):
        monkeypatch.setattr(backend, "version", lambda name, fine=fine: fine)
        backend._check_keras()


def test_hushed_passes_on_what_is_not_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    with backend.hushed():
        os.write(
            2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
        )
        os.write(2, b"I0000 00:00:1795316951.577119    5738 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"Segmentation ahead\n")
    assert capfd.readouterr().err == "Segmentation ahead\n"


@pytest.mark.parametrize("on", [True, False])
def test_the_search_for_garbage_is_left_as_it_was(on: bool) -> None:
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with backend.uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == on
    finally:
        (gc.enable if was_on else gc.disable)()
