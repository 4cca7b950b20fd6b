"""A picture as an image by resizing alone, for data whose pictures are cut and drawn like MNIST's already."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tenfold.reading.decode import decode


def squeeze(picture: object) -> NDArray[np.uint8]:
    """A picture, of any kind `prepare` takes, as a (28, 28) uint8 image: grey, resized, nothing else.

    It is neither inverted nor centred, so it must show bright ink on dark. Raises PictureError.
    """
    grey = Image.fromarray(decode(picture).values).convert("L")
    return np.asarray(grey.resize((28, 28), Image.Resampling.BOX if min(grey.size) > 28 else None))
