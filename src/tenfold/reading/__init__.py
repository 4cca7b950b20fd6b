"""Reading: from any picture to digits, without TensorFlow."""

from tenfold.reading.answers import Mark, Number, Page, Prediction
from tenfold.reading.bundle import Card
from tenfold.reading.pictures import prepare
from tenfold.reading.reader import Reader, load

__all__ = ["Card", "Mark", "Number", "Page", "Prediction", "Reader", "load", "prepare"]
