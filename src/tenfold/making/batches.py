"""Batches of training images, each epoch in an order of its own."""

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Images
from tenfold.making.backend import tensorflow


def stream_batches(
    images: Images,
    labels: NDArray[np.float32] | NDArray[np.int64],
    batch_size: int,
    epochs: int,
    seed: int,
    start: tuple[int, int] = (0, 0),
) -> tensorflow.data.Dataset:
    """Every image once an epoch, (batch, 28, 28) uint8 with its labels; the last batch may be smaller.

    start: the epoch and the batch in it to begin with.

    The order follows from the seed and the epoch's number alone. Keras' `fit`, given arrays and a global
    seed, takes the same order in every epoch (tensorflow issue 35682): the same batches again and again.
    """
    all_images, all_labels = tensorflow.constant(images), tensorflow.constant(labels)
    batches = tensorflow.data.Dataset.range(-(-len(images) // batch_size))

    def split_epoch(epoch: tensorflow.Tensor) -> tensorflow.data.Dataset:
        places = tensorflow.range(len(images))
        order = tensorflow.random.experimental.stateless_shuffle(places, tensorflow.stack([seed, epoch]))
        return batches.map(lambda batch: order[batch * batch_size : (batch + 1) * batch_size])

    def gather(places: tensorflow.Tensor) -> tuple[tensorflow.Tensor, tensorflow.Tensor]:
        return tensorflow.gather(all_images, places), tensorflow.gather(all_labels, places)

    epoch, batch = start
    places = tensorflow.data.Dataset.range(epoch, epochs).flat_map(split_epoch).skip(batch)
    options = tensorflow.data.Options()
    # Nothing here is tuned, and the tuner asleep holds up the end of `fit`: by as much as half its time.
    options.autotune.enabled = False
    return places.map(gather).prefetch(2).with_options(options)
