"""Fitting in the compiled loop: on images as they are, varied a little, or in other people's hands."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tenfold.data import DIGITS, Dataset, Split
from tenfold.making.augmentation import Hands
from tenfold.making.backend import keras
from tenfold.making.calibration import calibrate, logits_of, outputs, validate
from tenfold.making.checkpoints import Keeper
from tenfold.making.drawing import Mixture, epochs
from tenfold.making.events import Event
from tenfold.making.fitting import Fitted, note_guessing
from tenfold.making.loop import Loop, Schedule
from tenfold.making.recipes import Recipe
from tenfold.making.runs import Row

ORDER = 1_000_000
"""Sets the key of an epoch's order apart from the keys of its drawings."""

Epochs = Generator[tuple[NDArray[np.uint8], NDArray[np.int64]], None, None]


@dataclass(frozen=True)
class Practice:
    """What a network is shown, and how its weights move, beside the dials of its recipe.

    hands: how each epoch's images are varied; None shows them as they are.
    mixture: what an epoch is made of, where they are varied.
    warm, decay, beta_1, beta_2, average: as in `Schedule`.
    threshold: confidence below which the reader is unsure.
    """

    hands: Hands | None = None
    mixture: Mixture = field(default_factory=Mixture)
    warm: float = 0.1
    decay: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.98
    average: float = 0.999
    threshold: float = 0.8

    def schedule(self, recipe: Recipe) -> Schedule:
        """The schedule of a recipe's training."""
        return Schedule(
            recipe.epochs,
            recipe.batch_size,
            recipe.rate,
            warm=self.warm,
            decay=self.decay,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            average=self.average,
        )

    def on(self, class_names: tuple[str, ...]) -> "Practice":
        """The practice for these classes: strokes that some hands add to a digit are for digits alone."""
        if self.hands is None or class_names == DIGITS:
            return self
        return replace(self, hands=replace(self.hands, crossed=0.0, flagged=0.0, slashed=0.0))

    def size(self, train: Split) -> int:
        """How many images an epoch has."""
        return self.mixture.size(len(train)) if self.hands else len(train)

    def draw(self, train: Split, seed: int, first: int, last: int) -> Epochs:
        """The images and labels of epochs `first` to `last` - 1."""
        if self.hands:
            yield from epochs(train, seed, first, last, self.hands, self.mixture)
        else:
            for _ in range(first, last):
                yield train.images, train.labels


PLAIN = Practice(warm=0.3, beta_1=0.85, beta_2=0.95, average=0.0)
"""For a training of seconds: everything as it is, and no average, which so few steps would not fill."""

VARIED = Practice(
    Hands(
        turn=7.0,
        slant=9.0,
        stretch=0.12,
        bend=1.3,
        skew=0.06,
        thin=0.5,
        thick=0.7,
        thickest=0.8,
        soft=1.3,
        plain=0.6,
        cut=0.0,
        rule=0.0,
        worn=0.0,
        coarse=0.0,
        photo=0.0,
        crossed=0.02,
        flagged=0.03,
        slashed=0.0,
    ),
    Mixture(nondigits=0.0, unchanged=0.15, disturbed=0.0, calm=0.0),
)
"""For the best figure on MNIST: its own writers, a little varied."""

HANDS = Practice(Hands(), threshold=0.75)
"""For other people's handwriting. The threshold was chosen on simulated strangers (docs/architecture.md)."""


def fit_compiled(
    practice: Practice,
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    tell: Callable[[Event], None],
    keeper: Keeper | None = None,
) -> Fitted:
    """Fit a network by a practice, and calibrate it on the held-out images.

    The rest is as in `fitting.fit_stock`. The weights kept are their moving average, where there is one.

    Raises TrainingError where the loss is not finite.
    """
    keeper, practice = keeper or Keeper(), practice.on(dataset.class_names)
    view = logits_of(model)
    loop = Loop(view, practice.schedule(recipe), practice.size(dataset.train) // recipe.batch_size)
    held_out = dataset.validation
    said: list[NDArray[np.float64]] | None = None  # of the last epoch's weights, which are kept

    def measure() -> Row:
        nonlocal said
        if not len(held_out):
            return {}
        said = outputs(view, held_out.images)
        return validate(said[0], held_out.labels)

    loop.train(
        draw=lambda first: practice.draw(dataset.train, seed, first, recipe.epochs),
        order=lambda epoch, count: np.random.default_rng([seed, epoch, ORDER]).permutation(count),
        validate=measure,
        tell=tell,
        keeper=keeper,
    )
    note_guessing(keeper.rows[-1], dataset, tell)
    temperature = 1.0
    if len(held_out):
        temperature = calibrate(model, view, held_out, seed, said)
    return Fitted(tuple(keeper.rows), len(keeper.rows), keeper.seconds, temperature, practice.threshold)


COMPILED: dict[str, Callable[..., Fitted]] = {
    "plain": partial(fit_compiled, PLAIN),
    "varied": partial(fit_compiled, VARIED),
    "hands": partial(fit_compiled, HANDS),
}
"""These ways to fit, by the name in a recipe."""
