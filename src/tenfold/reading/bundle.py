"""A reader's file: one .onnx whose metadata holds its card.

The file is opened by ONNX Runtime alone: neither TensorFlow nor the onnx package is needed, and nothing
is unpickled.
"""

import hashlib
import json
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from os.path import isdir
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tenfold.errors import ReaderError

PROPERTY = "tenfold"
FORMAT = 1
PREPARATION = 1
"""Version of `reading.pictures.prepare`; a card names the one its reader was calibrated with."""
HOTTEST = 1e6  # no calibration divides logits by more
LARGEST = 64 << 20  # bytes
WEIGHTS = Path(__file__).parent.parent / "weights"
IMAGE = (28, 28)


@dataclass(frozen=True)
class Card:
    """What a reader says about itself.

    name: of the reader; recipe: that made it; settings: the recipe's dials.
    labels: the name of each class, in the order of the probabilities.
    threshold: confidence below which an answer is unsure, 0-1.
    temperature: what the logits are divided by before the softmax, inside the network; of an ensemble, the
        logarithms of the mean probabilities.
    seed: of the training; of an ensemble, the first. seeds: of each of the networks whose mean it reads with.
    preparation: the version of `prepare` it was calibrated with.
    data_sha256: of the images and labels it was trained on.
    weights_sha256: of the trained weights in their order.
    figures: what was measured on it, named; shares are 0-1.
    """

    name: str
    recipe: str
    labels: tuple[str, ...]
    threshold: float
    temperature: float
    seed: int
    data_sha256: str
    weights_sha256: str
    parameters: int
    seeds: tuple[int, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    preparation: int = PREPARATION
    format: int = FORMAT

    def to_json(self) -> str:
        """The card as one JSON object, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read a card back. Raises ReaderError where a field is missing or of the wrong kind."""
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ReaderError(f"the reader's card cannot be read ({error})") from None
        if not isinstance(content, dict):
            raise ReaderError(f"the reader's card is no JSON object but {type(content).__name__}")
        newer = content.get("format", FORMAT)
        if _is(newer, int) and newer > FORMAT:
            raise ReaderError(f"the reader's card has format {newer}, newer than {FORMAT}: update tenfold")
        wrong = [name for name, kind in _KINDS.items() if name in content and not _is(content[name], kind)]
        wrong += [f.name for f in fields(cls) if f.name not in content and _is_needed(f)]
        if wrong:
            raise ReaderError(f"the reader's card lacks, or holds of another kind: {', '.join(wrong)}")
        card = cls(**{name: content[name] for name in _KINDS if name in content})
        card = replace(card, labels=tuple(map(str, card.labels)), seeds=tuple(card.seeds))
        odd = len(set(card.labels)) < max(2, len(card.labels)) or not all(
            _is(seed, int) for seed in card.seeds
        )
        odd |= not all(_is_text(text) for text in (card.name, *card.labels))
        odd |= not 0 <= card.threshold <= 1 or not 0 < card.temperature <= HOTTEST
        if odd or newer < 1:
            raise ReaderError(
                "the reader's card makes no sense: its name, labels, threshold, temperature, seeds or format"
            )
        return card


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "recipe", "data_sha256", "weights_sha256"), (str,)),
    **dict.fromkeys(("seed", "parameters", "preparation", "format"), (int,)),
    **dict.fromkeys(("threshold", "temperature"), (int, float)),
    **dict.fromkeys(("versions", "settings", "figures"), (dict,)),
    **dict.fromkeys(("labels", "seeds"), (list,)),
}


def _is(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_text(text: str) -> bool:
    """Whether a text can be shown: there are characters, and UTF-8 has them all."""
    return bool(text) and text.encode("utf-8", "ignore").decode() == text


def _is_needed(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


@dataclass(frozen=True, eq=False)
class Network:
    """An opened ONNX file: a session of one thread (calls may run side by side) and its metadata."""

    session: onnxruntime.InferenceSession = field(repr=False)
    metadata: str
    path: Path


def open_network(path: Path) -> Network:
    """Open an ONNX file that Tenfold wrote.

    Raises ReaderError where it is missing, too large, damaged, or carries no card.
    """
    content = _content(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map.get(PROPERTY)
    except Exception as error:  # ONNX Runtime raises its own unexported types
        reason = " ".join(str(error).split())[:120]
        raise ReaderError(f"{path}: not a reader, or damaged; expected an .onnx file ({reason})") from None
    if metadata is None:
        raise ReaderError(
            f"{path}: an ONNX file without Tenfold's card; expected one written by `tenfold train`"
        )
    return Network(session, metadata, path)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ReaderError(f"{path}: no such reader; expected a run folder or an .onnx file") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = getattr(error, "strerror", None) or error
        raise ReaderError(f"{path}: cannot be opened ({reason})") from None
    if len(content) > LARGEST:
        raise ReaderError(f"{path}: larger than {LARGEST >> 20} MB; not a reader that Tenfold wrote")
    if path.parent == WEIGHTS:
        _check_shipped(path, content)
    return content


def _check_shipped(path: Path, content: bytes) -> None:
    try:
        lines = [line.split() for line in (WEIGHTS / "SHA256SUMS").read_text().splitlines()]
    except OSError:
        lines = []
    expected = {line[-1]: line[0] for line in lines if line}
    if expected.get(path.name) != hashlib.sha256(content).hexdigest():
        raise ReaderError(f"{path}: the shipped reader is damaged (SHA-256 differs): install tenfold again")


def reader_file(reader: str | Path | None) -> Path:
    """The file a READER names: None is the shipped one, a folder holds `reader.onnx`."""
    if reader is None:
        return WEIGHTS / "reader.onnx"
    path = Path(reader)
    if isdir(path):  # unlike Path.is_dir, False where a name is too long to be one
        if not (path / "reader.onnx").exists():
            raise ReaderError(
                f"{path}: no reader.onnx in this folder; expected a finished run of `tenfold train`"
            )
        return path / "reader.onnx"
    if path.suffix == ".keras":
        raise ReaderError(f"{path}: is for training on; name the run folder or its reader.onnx instead")
    return path


def read_card(path: str | Path) -> Card:
    """The card of a reader's file or run folder. Raises ReaderError."""
    return card_of(open_network(reader_file(path)))


def card_of(network: Network) -> Card:
    """The card of an opened reader. Raises ReaderError, which names the file."""
    try:
        return Card.from_json(network.metadata)
    except ReaderError as error:
        raise ReaderError(f"{network.path}: {error}") from None


def check_network(network: Network, classes: int) -> bool:
    """Whether a reader's network also says if there is a digit; raises ReaderError where it is no reader."""
    try:
        images = np.zeros((2, *IMAGE), np.uint8)
        names = [output.name for output in network.session.get_outputs()]
        answers: list[NDArray[np.float32]] = network.session.run(None, {"images": images})
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise ReaderError(f"{network.path}: does not read (n, 28, 28) uint8 images ({reason})") from None
    shapes = dict(zip(names, (getattr(answer, "shape", None) for answer in answers), strict=True))
    if shapes.get("probabilities") != (2, classes) or shapes.get("is_digit", (2,)) != (2,):
        raise ReaderError(f"{network.path}: expected {classes} probabilities an image, got outputs {shapes}")
    return "is_digit" in shapes
