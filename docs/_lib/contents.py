"""The table of contents: every page in its order. A page is listed once its file is there.

`{contents-of} concepts` on a page makes a table of contents of that part.
"""

import json
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.directives.other import TocTree

DOCS = Path(__file__).parents[1]

START = ("read", "train", "handwriting", "wrong")
SCRIPT = ("first_steps",)

CONCEPTS = {
    "The data": ("pixels", "looking", "normalisation", "shapes", "labels"),
    "The network": (
        "dense",
        "why_convolution",
        "convolution",
        "filters",
        "receptive_field",
        "translation",
        "padding",
        "pooling",
        "flatten",
        "parameters",
    ),
    "Activations": ("relu", "sigmoid", "tanh", "leaky_relu", "elu", "dying_relu", "softmax", "confidence"),
    "Losses": (
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "binary_crossentropy",
        "mse",
    ),
    "Learning": (
        "backpropagation",
        "sgd",
        "adagrad",
        "adadelta",
        "rmsprop",
        "adam",
        "learning_rate",
        "batch_size",
        "epochs",
        "initialisation",
    ),
    "Learning enough, not too much": ("overfitting", "dropout", "augmentation", "batchnorm"),
    "Judging": ("evaluation", "confusion", "calibration", "honest"),
    "Reading": ("photo", "lines", "ensembles"),
    "Looking inside": ("inside", "adversarial", "runtimes"),
}
"""Every concept of the course, one page each, in the order in which they can be read as a book."""

GUIDES = ("own_data", "kaggle", "forms", "corrections", "scripts", "figures")
REFERENCE = ("python", "commands", "card", "glossary")

ALIASES = {
    "array": "pixels",
    "grid": "looking",
    "normalization": "normalisation",
    "channel": "shapes",
    "one_hot": "labels",
    "neuron": "dense",
    "conv2d": "convolution",
    "shared_weights": "receptive_field",
    "translation_invariance": "translation",
    "stride": "padding",
    "max_pooling": "pooling",
    "maxpooling2d": "pooling",
    "vanishing_gradients": "sigmoid",
    "probability": "confidence",
    "cross_entropy": "categorical_crossentropy",
    "mean_squared_error": "mse",
    "gradient_descent": "backpropagation",
    "momentum": "sgd",
    "one_cycle": "learning_rate",
    "validation": "overfitting",
    "early_stopping": "overfitting",
    "batch_normalization": "batchnorm",
    "accuracy": "evaluation",
    "test_loss": "evaluation",
    "confusion_matrix": "confusion",
    "refusing": "calibration",
    "leakage": "honest",
    "ema": "ensembles",
    "onnx": "runtimes",
}
"""Other words for a page, for `tenfold docs WORD`."""

PARTS = {
    "start": {"Start": START},
    "script": {"The script, line by line": SCRIPT},
    "concepts": CONCEPTS,
    "guides": {"Guides": GUIDES},
    "reference": {"Reference": REFERENCE},
}


def pages(part: str, chapter: str | None = None) -> list[str]:
    """The pages of a part that are there, as `part/name`, in order; of one chapter, where one is named."""
    chapters = PARTS[part] if chapter is None else {chapter: PARTS[part][chapter]}
    names = [name for chapter in chapters.values() for name in chapter]
    return [f"{part}/{name}" for name in names if (DOCS / part / f"{name}.md").exists()]


class ContentsOf(TocTree):
    """A table of contents of one part, one chapter after the other."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = False

    def run(self) -> list:
        """Make a toctree for each chapter that has pages."""
        self.env.note_reread()
        found = []
        for chapter in PARTS[self.arguments[0]]:
            self.content = pages(self.arguments[0], chapter)
            if self.content:
                self.options = {"maxdepth": 1, "caption": chapter}
                found += super().run()
        return found


def _write_topics(app: Sphinx, error: Exception | None) -> None:
    """Leave topics.json in the built site, from which `tenfold docs` knows the pages."""
    if error is None and app.builder.format == "html":
        topics = {page.split("/")[1]: f"{page}.html" for part in PARTS for page in pages(part)}
        others = {word: topics[page] for word, page in ALIASES.items() if page in topics}
        topics["architecture"] = "architecture.html"
        known = json.dumps(others | topics, indent=1, sort_keys=True)
        (Path(app.outdir) / "topics.json").write_text(known, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("contents-of", ContentsOf)
    app.connect("build-finished", _write_topics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
