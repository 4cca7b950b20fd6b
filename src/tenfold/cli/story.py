"""The story that `tenfold run` tells, one function a chapter."""

import shutil
from typing import TYPE_CHECKING

from tenfold.cli.show import tell, title, write

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tenfold.data import Dataset, Split
    from tenfold.making import Run
    from tenfold.making.recipes import Recipe

BLOCKS = " ▀▄█"
INK = 96  # pixels brighter than this are drawn
BAR = 30  # characters for a probability of 1

FILES = {
    "run.json": "what was asked for: with it, a run that is stopped can go on",
    "model.keras": "the network, to train on with Keras",
    "reader.onnx": "the reader: `tenfold predict --model` and `tenfold.load` use it, without TensorFlow",
    "history.csv": "loss and accuracy of each epoch",
    "metrics.json": "figures, recipe, seed, versions, data hash, timings",
    "samples.png": "ten images of each class",
    "curves.png": "loss and accuracy by epoch",
    "confusion.png": "what was taken for what",
    "mistakes.png": "what was read wrongly, most confident first",
}


def show_data(dataset: "Dataset") -> None:
    """Say what was loaded, and draw the first training images."""
    title("Load")
    write(f"  {dataset.source}")
    for name, split in (
        ("training", dataset.train),
        ("validation", dataset.validation),
        ("test", dataset.test),
    ):
        if split is not None:
            shape = f"{split.images.shape} {split.images.dtype}"
            write(f"  {name:<10}  images {shape:<23}  labels {split.labels.shape}")
    title("Look")
    count = max(1, min(4, (shutil.get_terminal_size().columns - 2) // 29, len(dataset.train)))
    images, labels = dataset.train.images[:count], dataset.train.labels[:count]
    drawings = [draw(image) for image in images]
    for line in zip(*drawings, strict=True):
        if any(part.strip() for part in line):
            write(("  " + " ".join(line)).rstrip())
    write("  " + " ".join(f"{dataset.class_names[label]:^28}" for label in labels).rstrip())


def draw(image: "NDArray[np.uint8]") -> list[str]:
    """Draw an image (28, 28) in block characters, two pixel rows a line: 14 lines of 28."""
    ink = image > INK
    return [
        "".join(BLOCKS[up + 2 * down] for up, down in zip(*pair, strict=True))
        for pair in zip(ink[::2], ink[1::2], strict=True)
    ]


def show_preparation(dataset: "Dataset", recipe: "Recipe") -> None:
    """Show how the shapes change on the way into the network."""
    from tenfold.data import one_hot

    title("Prepare")
    images, labels = dataset.train.images, dataset.train.labels
    channel = images[..., None]  # (n, 28, 28, 1)
    scaled = channel[: recipe.batch_size] / 255
    write(f"  images  {images.shape} {images.dtype}, {images.min()} to {images.max()}")
    write(f"      ->  {channel.shape} float, {scaled.min():.1f} to {scaled.max():.1f}  (inside the network)")
    if recipe.labels == "one-hot":
        encoded = one_hot(labels, len(dataset.class_names))
        write(f"  labels  {labels.shape} integers, the first is {labels[0]}")
        write(f"      ->  {encoded.shape} one-hot, the first is {encoded[0].astype(int)}")
    else:
        write(f"  labels  {labels.shape} integers, as {recipe.loss} takes them")


def show_network(recipe: "Recipe", dataset: "Dataset") -> None:
    """Show the network's layers with the shapes they give and their parameters."""
    title(f"Build: the network {recipe.network}")
    tell("loading TensorFlow ...")
    from tenfold.making import build_network

    network = build_network(recipe.network, len(dataset.class_names), recipe.activation, **recipe.dials)
    write(f"  {'layer':<14} {'kind':<14} {'gives':<18} {'parameters':>10}")
    for layer in network.layers:
        shape = str(("n", *layer.output.shape[1:])).replace("'", "")
        write(f"  {layer.name:<14} {type(layer).__name__:<14} {shape:<18} {layer.count_params():>10,}")
    write(f"  {'in all':<48} {network.count_params():>10,}")
    title("Train")
    write(
        f"  {recipe.optimizer} with a learning rate of {recipe.rate:g}, {recipe.loss}; "
        f"{recipe.epochs} epoch{'s' * (recipe.epochs != 1)}, batches of {recipe.batch_size}"
    )


def show_prediction(run: "Run", dataset: "Dataset") -> None:
    """Let the new reader read one image it was not trained on, and show every probability."""
    from tenfold.reading.spelling import percent

    split, kind = _unseen(dataset)
    reader = run.reader()
    (answer,) = reader.predict_many(split.images[:1], prepared=True)
    title("Predict")
    truth = dataset.class_names[split.labels[0]]
    write(f"  the first {kind} image is a {truth}")
    write(f"  the reader says {answer.label}, with a confidence of {percent(answer.confidence)}")
    for name, probability in zip(reader.labels, answer.probabilities, strict=True):
        bar = "█" * round(BAR * float(probability))
        write(f"  {name:>3}  {percent(float(probability), 2):>7}  {bar}".rstrip())


def _unseen(dataset: "Dataset") -> tuple["Split", str]:
    if dataset.test is not None:
        return dataset.test, "test"
    return (dataset.validation, "validation") if len(dataset.validation) else (dataset.train, "training")


def show_files(run: "Run") -> None:
    """List what the run left, so that the next step is plain."""
    title(f"Files in {run.folder}")
    for name in run.files:
        write(f"  {name:<14} {FILES[name]}")
