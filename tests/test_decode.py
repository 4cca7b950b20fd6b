"""What is taken for a picture, to which pixels it comes, and that anything else is one line of error."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw, ImageFile

from tenfold.errors import MissingExtraError, PictureError, TenfoldError, pip_line
from tenfold.reading import decode as module
from tenfold.reading.decode import decode, decode_all

pillow_heif.register_heif_opener()


def drawing(width: int = 60, height: int = 80) -> Image.Image:
    """A dark F on light paper: no turn or reflection of it looks like it."""
    picture = Image.new("L", (width, height), 235)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((12, 10, 20, 70), fill=30)
    pen.rectangle((20, 10, 50, 18), fill=30)
    pen.rectangle((20, 36, 40, 44), fill=30)
    return picture


DRAWING = drawing()
GREY = np.asarray(DRAWING)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def pages(count: int = 3) -> list[Image.Image]:
    """Pictures that differ in how dark their ink is."""
    return [DRAWING.point(lambda v, k=k: v if v > 128 else 30 + 40 * k) for k in range(count)]


def several(kind: str, count: int = 3, **options: object) -> bytes:
    first, *others = pages(count)
    return encoded(first, kind, save_all=True, append_images=others, **options)


def grey_of(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 2 else np.asarray(Image.fromarray(values).convert("L"))


def assert_refused(picture: object, *pieces: str, kind: type[TenfoldError] = PictureError) -> None:
    with pytest.raises(kind) as caught:
        list(decode_all(picture))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    assert not [piece for piece in pieces if piece not in message], message
    with pytest.raises(kind):
        decode(picture)


FILES: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: encoded(DRAWING, "PNG"),
    "JPEG": lambda: encoded(DRAWING, "JPEG", quality=95),
    "WebP": lambda: encoded(DRAWING.convert("RGB"), "WEBP", quality=95),
    "WebP, lossless": lambda: encoded(DRAWING.convert("RGB"), "WEBP", lossless=True),
    "BMP": lambda: encoded(DRAWING, "BMP"),
    "GIF": lambda: encoded(DRAWING, "GIF"),
    "TIFF": lambda: encoded(DRAWING, "TIFF"),
    "TIFF, packed": lambda: encoded(DRAWING, "TIFF", compression="tiff_lzw"),
    "TIFF, fax": lambda: encoded(DRAWING.convert("1", dither=0), "TIFF", compression="group4"),
    "MPO": lambda: several("MPO", 2),
    "HEIC": lambda: encoded(DRAWING.convert("RGB"), "HEIF", quality=95),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("suffix", [".png", ".jpeg", ".txt", ""])
def test_every_format_is_known_by_its_bytes_whatever_its_name(kind: str, suffix: str, tmp_path: Path) -> None:
    content = FILES[kind]()
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(content)
    for picture in (content, bytearray(content), memoryview(content), path, str(path)):
        pixels = decode(picture)
        assert pixels.values.dtype == np.uint8
        assert pixels.values.shape[:2] == GREY.shape
        away = np.abs(grey_of(pixels.values).astype(int) - GREY)
        assert away.mean() < (40 if kind == "TIFF, fax" else 3)
        assert ((grey_of(pixels.values) < 128) == (GREY < 128)).mean() > 0.98
        assert pixels.notes == ()
        assert pixels.source == (str(path) if isinstance(picture, str | Path) else None)


def test_a_pdfs_page_is_drawn_at_200_dots_an_inch() -> None:
    pixels = decode(encoded(DRAWING, "PDF", resolution=100))
    assert np.abs(np.subtract(pixels.values.shape, (160, 120, 3))).max() <= 1
    again = np.asarray(Image.fromarray(pixels.values).convert("L").resize(DRAWING.size, Image.Resampling.BOX))
    assert np.abs(again.astype(int) - GREY).mean() < 4


@pytest.mark.parametrize("points", [(20_000, 20_000), (300_000, 3), (1, 1)])
def test_a_pdfs_huge_or_tiny_page_is_drawn_no_larger_than_may_be(
    points: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_PICTURE", 1_000_000)
    body = (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]>>endobj\ntrailer<</Root 1 0 R>>\n" % points
    )
    height, width = decode(body).values.shape[:2]
    assert 0 < height * width <= module.LARGEST_PICTURE


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_of_an_animation_the_first_frame_is_taken_and_it_is_said(
    kind: str, options: dict[str, object]
) -> None:
    content = several(kind, 4, **options)
    for pixels in (decode(content), *decode_all(content), decode(Image.open(io.BytesIO(content)))):
        assert np.array_equal(grey_of(pixels.values), GREY)
        assert pixels.notes == ("first frame of 4",)


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_every_page_of_a_document_has_its_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.bin"
    path.write_bytes(several(kind, 3))
    first = decode(path)
    assert first.notes == ("first page of 3",)
    assert first.source == str(path)
    found = list(decode_all(path))
    assert [page.source for page in found] == [f"{path}#1", f"{path}#2", f"{path}#3"]
    assert [page.notes for page in found] == [(), (), ()]
    inks = [int(np.percentile(grey_of(page.values), 5)) for page in found]
    assert np.abs(np.subtract(inks, (30, 70, 110))).max() <= 6
    assert [page.source for page in decode_all(path.read_bytes())] == ["#1", "#2", "#3"]


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_a_page_is_decoded_only_when_it_is_its_turn(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    name = "_from_pil" if kind == "TIFF" else "_render"
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: made.append(1) or real(*given))
    found = decode_all(several(kind, 4))
    assert (len(made), next(found).source, len(made)) == (0, "#1", 1)
    assert (next(found).source, len(made)) == ("#2", 2)


def test_one_page_has_no_number(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(several("TIFF", 1))
    assert [page.source for page in decode_all(path)] == [str(path)]


TURNED = {  # Exif 2.3: what stands in the file, so that turning it as the tag says gives the drawing
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.T,
    6: np.rot90,
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, 3),
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", TURNED)
def test_a_camera_held_any_way_gives_the_picture_upright(kind: str, turn: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(TURNED[turn](GREY)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    content = encoded(stored.convert("RGB"), kind, exif=exif)
    for picture in (content, Image.open(io.BytesIO(content))):
        values = grey_of(decode(picture).values)
        assert values.shape == GREY.shape
        assert np.abs(values.astype(int) - GREY).mean() < 6


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_exif_costs_no_picture(kind: str, exif: bytes) -> None:
    values = decode(encoded(DRAWING.convert("RGB"), kind, exif=exif)).values
    assert np.abs(grey_of(values).astype(int) - GREY).mean() < 6


def with_alpha(ink: int, beneath: int, strength: int = 255) -> Image.Image:
    """The F in one shade over nothing, where another shade lies beneath full transparency."""
    alpha = np.where(GREY < 128, strength, 0).astype(np.uint8)
    shade = np.where(GREY < 128, ink, beneath).astype(np.uint8)
    return Image.fromarray(np.dstack([shade, shade, shade, alpha]), "RGBA")


@pytest.mark.parametrize("strength", [255, 200, 90])
@pytest.mark.parametrize("beneath", [0, 255])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (60, 255), (255, 0), (200, 0)])
def test_ink_over_nothing_lies_on_paper_that_shows_it(
    ink: int, paper: int, beneath: int, strength: int
) -> None:
    picture = with_alpha(ink, beneath, strength)
    for given_ in (picture, np.asarray(picture), encoded(picture, "PNG"), encoded(picture, "TIFF")):
        values = decode(given_).values
        assert values.shape == (*GREY.shape, 3)
        assert (values[GREY >= 128] == paper).all()
        expected = (ink * strength + paper * (255 - strength)) / 255
        assert np.abs(values[GREY < 128] - expected).max() <= 1


def test_a_picture_wholly_opaque_or_wholly_transparent_keeps_its_colours() -> None:
    for alpha in (255, 100, 0):
        values = np.dstack([GREY, GREY, GREY, np.full_like(GREY, alpha)])
        assert np.array_equal(decode(values).values, values[..., :3])


def modes() -> Iterator[tuple[str, Image.Image, np.ndarray]]:
    """The F in each of Pillow's modes, and the grey it must come to."""
    two = (GREY > 128) * np.uint8(255)
    yield "1", DRAWING.convert("1", dither=0), two
    yield "L", DRAWING, GREY
    yield "P", DRAWING.convert("P"), GREY
    for mode in ("LA", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "RGBa"):
        between = "RGBA" if mode in ("PA", "RGBa") else "RGB"
        yield mode, DRAWING.convert(between).convert(mode), GREY
    yield "La", DRAWING.convert("LA").convert("La"), GREY
    yield "I", DRAWING.convert("I"), GREY
    yield "I, deep", Image.fromarray(GREY.astype(np.int32) * 257), GREY
    yield "I;16", Image.fromarray(GREY.astype(np.uint16) * 257), GREY
    yield "I;16, 12 bits", Image.fromarray(GREY.astype(np.uint16) * 16), GREY
    yield "F", DRAWING.convert("F"), GREY
    yield "F, 0-1", Image.fromarray(GREY.astype(np.float32) / 255), GREY


@pytest.mark.parametrize(("name", "picture", "grey"), [*modes()], ids=[name for name, _, _ in modes()])
def test_every_mode_comes_to_the_same_pixels(name: str, picture: Image.Image, grey: np.ndarray) -> None:
    values = decode(picture).values
    assert values.dtype == np.uint8
    assert values.shape in (grey.shape, (*grey.shape, 3))
    assert np.abs(grey_of(values).astype(int) - grey).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16"])
def test_a_colour_that_a_png_calls_transparent_is_no_paper(mode: str) -> None:
    shades = np.where(GREY < 128, 0, 255).astype(np.uint8)  # black ink, white paper
    picture = Image.fromarray(shades)
    if mode == "P":
        picture = Image.fromarray((shades > 0).astype(np.uint8), "P")
        picture.putpalette([0, 0, 0, 255, 255, 255])
    elif mode == "I;16":
        picture = Image.fromarray(shades.astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    paper = {"P": 1, "RGB": (255, 255, 255), "I;16": 65535, "1": 255}.get(mode, 255)
    for transparency in (paper, None):
        options = {} if transparency is None else {"transparency": transparency}
        values = grey_of(decode(encoded(picture, "PNG", **options)).values)
        assert np.array_equal(values < 128, GREY < 128)


def layouts() -> Iterator[tuple[str, np.ndarray]]:
    rgb = np.dstack([GREY] * 3)
    rgba = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    yield "h w", GREY
    yield "h w 1", GREY[..., None]
    yield "1 h w", GREY[None]
    yield "1 h w 1", GREY[None, ..., None]
    yield "1 1 h w", GREY[None, None]
    yield "h w 1 1", GREY[..., None, None]
    yield "h w 3", rgb
    yield "h w 4", rgba
    yield "3 h w", np.moveaxis(rgb, 2, 0)
    yield "4 h w", np.moveaxis(rgba, 2, 0)
    yield "1 3 h w", np.moveaxis(rgb, 2, 0)[None]
    yield "1 h w 3", rgb[None]
    yield "fortran", np.asfortranarray(GREY)
    yield "every other", np.repeat(np.repeat(GREY, 2, 0), 2, 1)[::2, ::2]
    yield "backwards", np.ascontiguousarray(GREY[::-1, ::-1])[::-1, ::-1]


@pytest.mark.parametrize(("name", "values"), [*layouts()], ids=[name for name, _ in layouts()])
@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.int64, np.float16, np.float32, ">f8"])
def test_every_layout_and_type_of_array_comes_to_the_same_pixels(
    name: str, values: np.ndarray, dtype: str
) -> None:
    picture = values.astype(dtype)
    picture.flags.writeable = False
    found = decode(picture).values
    assert found.dtype == np.uint8
    assert found.shape in (GREY.shape, (*GREY.shape, 3))
    assert np.array_equal(grey_of(found), GREY)


SQUARE = np.asarray(DRAWING.resize((28, 28)))


@pytest.mark.parametrize("shape", [(784,), (1, 784), (784, 1), (1, 784, 1), (1, 1, 784)])
def test_a_flat_row_of_a_square_picture_is_that_picture(shape: tuple[int, ...]) -> None:
    assert np.array_equal(decode(SQUARE.reshape(shape)).values, SQUARE)
    assert np.array_equal(decode(SQUARE.reshape(shape).tolist()).values, SQUARE)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int32, np.uint64, np.float16, np.float64])
def test_values_of_0_and_1_are_black_and_white(dtype: type) -> None:
    assert np.array_equal(decode((GREY > 128).astype(dtype)).values, (GREY > 128) * np.uint8(255))


@pytest.mark.parametrize(
    ("dtype", "top"),
    [
        (np.float16, 1),
        (np.float32, 1),
        (np.float64, 1),
        (np.uint16, 65535),
        (np.uint16, 4095),
        (np.float32, 65535),
        (np.int32, 2**31 - 1),
        (np.uint64, 2**64 - 1),
        (np.float64, 1e300),
    ],
)
def test_any_range_is_brought_to_255(dtype: type, top: float) -> None:
    picture = np.linspace(0, 1, 400).reshape(20, 20)
    scaled = (picture * float(top)).clip(0, float(np.nextafter(float(top), 0)) if top > 2**50 else top)
    found = decode(scaled.astype(dtype)).values
    assert np.abs(found.astype(float) - 255 * picture).max() <= 1


def test_what_offers_an_array_is_taken_for_it() -> None:
    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return GREY

    assert np.array_equal(decode(Tensor()).values, GREY)


@pytest.mark.parametrize(
    ("picture", "pieces"),
    [
        (np.full((9, 9), np.nan), ("NaN",)),
        (np.where(GREY > 128, np.inf, 0.0), ("infinity",)),
        (np.where(GREY > 128, -np.inf, 0.0), ("infinity",)),
        (GREY.astype(int) - 31, ("negative", "-1", "0 to 255")),
        (GREY / 255 - 0.5, ("negative",)),
        (np.zeros(0), ("(0,)", "no pixels")),
        (np.zeros((0, 28)), ("(0, 28)", "no pixels")),
        (np.zeros((28, 0, 3)), ("no pixels",)),
        (np.zeros(783), ("(783,)", "expected (h, w)")),
        (np.zeros((2, 28, 28)), ("(2, 28, 28)",)),
        (np.zeros((28, 28, 5)), ("(28, 28, 5)",)),
        (np.zeros((2, 3, 28, 28)), ("(2, 3, 28, 28)",)),
        (np.float32(3), ("shape ()",)),
        (GREY.astype(object), ("got ndarray of object", "expected a path")),
        (GREY.astype(str), ("got ndarray of <U",)),
        (GREY.astype("S3"), ("got ndarray of |S3",)),
        (GREY.astype(complex), ("complex128",)),
        (GREY.astype("M8[s]"), ("datetime64",)),
        (np.zeros((9, 9), [("v", "u1")]), ("got ndarray",)),
        ([[1, 2], [3]], ("not a picture",)),
        ([["a", "b"], ["c", "d"]], ("got list of <U1",)),
        (None, ("NoneType",)),
        (object(), ("object",)),
        ({"picture": 1}, ("dict",)),
        (7, ("shape ()",)),
        (np.broadcast_to(np.uint8(9), (9000, 9000)), ("64 megapixels", "9000x9000")),
        (Image.new("I", (0, 0)), ("no pixels",)),
        (Image.new("RGB", (5, 0)), ("no pixels",)),
        (Image.fromarray(np.full((9, 9), np.nan, np.float32)), ("NaN",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_no_picture_is_told_in_one_line(picture: object, pieces: tuple[str, ...]) -> None:
    assert_refused(picture, *pieces)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b"", ("0 bytes",)),
        (b"\x89PNG\r\n\x1a\n", ()),
        (SVG, ("SVG", "expected PNG")),
        (SVG[21:], ("SVG",)),
        (b"GIF89a", ()),
        (b"a letter, not a picture\n", ("expected PNG, JPEG",)),
        (bytes(1000), ("expected PNG",)),
        (b"%PDF-1.7\nnothing more", ("PDF",)),
        (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj"
         b"\ntrailer<</Root 1 0 R>>\n", ("PDF",)),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ("not a picture",)),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", ("HEIC",)),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", ("not a picture",)),
    ],
)  # fmt: skip
def test_other_content_is_told_with_its_name(content: bytes, pieces: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "renamed.png"
    path.write_bytes(content)
    assert_refused(content, *pieces)
    assert_refused(path, str(path), *pieces)


def test_a_format_off_the_list_is_refused_though_pillow_could_read_it() -> None:
    for kind in ("PPM", "ICO", "TGA", "SGI", "PCX", "AVIF"):
        assert_refused(encoded(DRAWING.convert("RGB"), kind), "expected PNG")


def test_what_is_no_file_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    (tmp_path / "file.png").write_bytes(FILES["PNG"]())
    for name, piece in {
        "missing.png": "no such file",
        "broken.png": "the link points nowhere",
        "circle.png": "cannot be opened",
        "file.png/inside.png": "cannot be opened",
        ".": "is a folder",
        "n" * 300: "cannot be opened",
        "nul\0.png": "cannot be opened",
        "\udcff.png": "no such file",
    }.items():
        path = tmp_path / name
        with pytest.raises(PictureError, match=piece) as caught:
            decode(path)
        assert str(path) in str(caught.value)
        assert str(caught.value).count(piece) == 1
    assert_refused("", "is a folder")


@pytest.mark.parametrize(
    "name",
    ["sieben zwölf.png", "七.png", "a%20b?.png", "new\nline.png", "-.png", "[1].png", "'\".png", " .png"],
)
def test_odd_names_are_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES["PNG"]())
    for given_ in (path, str(path)):
        pixels = decode(given_)
        assert np.array_equal(pixels.values, GREY)
        assert pixels.source == str(path)


def test_a_name_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = Path(f"{tmp_path}/\udcfe7.png")
    path.write_bytes(FILES["PNG"]())
    assert np.array_equal(decode(path).values, GREY)


def as_large(kind: str, width: int, height: int) -> bytes:
    """A small file of which the header alone says that it is larger."""
    content = bytearray(encoded(DRAWING, kind, **({"lossless": True} if kind == "WEBP" else {})))
    if kind == "PNG":
        content[16:24] = struct.pack(">II", width, height)
        content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", width, height)
    elif kind == "GIF":
        content[6:10] = struct.pack("<HH", width, height)
    elif kind == "JPEG":
        at = content.index(b"\xff\xc0")
        content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif kind == "WEBP":
        at = content.index(b"VP8L") + 9
        bits = int.from_bytes(content[at : at + 4], "little") >> 28 << 28
        content[at : at + 4] = (bits | (width - 1) | (height - 1) << 14).to_bytes(4, "little")
    else:
        start = struct.unpack("<I", content[4:8])[0]
        for tag, value in ((256, width), (257, height)):
            at = content.index(struct.pack("<H", tag), start)
            content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(content)


@pytest.mark.parametrize(("width", "height"), [(8100, 8100), (10_000, 12_000), (16_000, 16_000)])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG", "WEBP", "TIFF"])
def test_a_bomb_is_refused_by_its_header_and_never_decoded(
    kind: str, width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(self: object) -> None:
        raise AssertionError("decoded")

    content = as_large(kind, width, height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = Image.open(io.BytesIO(content)) if width * height < 170_000_000 else None
    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert_refused(content, "64 megapixels")
    if opened is not None:
        assert opened.size == (width, height)
        assert_refused(opened, "64 megapixels", f"{width}x{height}")


def test_a_later_page_may_be_no_bomb_either() -> None:
    content = encoded(DRAWING, "TIFF", save_all=True, append_images=[Image.new("1", (8100, 8000))])
    found = decode_all(content)
    assert np.array_equal(next(found).values, GREY)
    with pytest.raises(PictureError, match="64 megapixels"):
        next(found)


def test_a_file_larger_than_may_be_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.write(FILES["PNG"]())
        file.truncate(3 << 20)
    assert np.array_equal(decode(path).values, GREY)
    monkeypatch.setattr(module, "LARGEST_FILE", 1 << 20)
    assert_refused(path, "larger than 1 MB")
    assert len(module._read_file(Path("/dev/zero"))) == (1 << 20) + 1


@pytest.mark.parametrize("extra", [("HEIC", "pillow_heif"), ("PDF", "pypdfium2")])
def test_without_the_extra_it_says_what_to_install(
    extra: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, package = extra
    path = tmp_path / "scan"
    path.write_bytes(FILES["HEIC"]() if name == "HEIC" else encoded(DRAWING, "PDF"))
    monkeypatch.setitem(sys.modules, package, None)
    assert_refused(path, str(path), f"reading {name}", pip_line("scans"), kind=MissingExtraError)


def test_an_open_picture_whose_file_ends_too_soon_is_told() -> None:
    content = encoded(Image.effect_noise((90, 90), 50), "PNG")
    assert_refused(Image.open(io.BytesIO(content[:3000])), "damaged or cut short")


@pytest.mark.parametrize("kind", FILES)
def test_a_cut_file_is_told_in_one_line(kind: str) -> None:
    content = FILES[kind]()
    for share in (0.02, 0.1, 0.3, 0.5, 0.8):
        try:
            values = decode(content[: int(share * len(content))]).values
        except PictureError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:  # the last rows of a BMP or a frame's end may be left out without harm
            assert values.shape[:2] == GREY.shape


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from([*FILES, "PDF", "three pages"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4),
    cut=st.floats(0.05, 1),
)
def test_a_damaged_file_raises_nothing_else(
    kind: str, changes: list[tuple[float, bytes]], cut: float
) -> None:
    made = {"PDF": lambda: encoded(DRAWING, "PDF"), "three pages": lambda: several("TIFF")}
    content = bytearray((FILES | made)[kind]())
    for place, piece in changes:
        at = int(place * (len(content) - 1))
        content[at : at + len(piece)] = piece
    try_bytes(bytes(content[: int(cut * len(content))]))


@settings(deadline=None, max_examples=60)
@given(
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"MM\0*",
                           b"RIFF\x24\0\0\0WEBPVP8 ", b"%PDF-1.4\n", b"\0\0\0\x18ftypheic"]),
    content=st.binary(max_size=200),
)  # fmt: skip
def test_any_bytes_raise_nothing_else(start: bytes, content: bytes) -> None:
    try_bytes(start + content)


def try_bytes(content: bytes) -> None:
    try:
        found = list(decode_all(content))
    except PictureError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        for page in found:
            assert page.values.dtype == np.uint8
            assert page.values.ndim == 2 or page.values.shape[2] == 3


def test_pillow_writes_nothing_of_its_own() -> None:
    """Its logger, where nobody listens, would write to stderr."""
    content = bytearray(encoded(DRAWING.convert("RGB"), "TIFF"))
    samples = content.index(struct.pack("<HHI", 277, 3, 1)) + 8  # the tag SamplesPerPixel
    content[samples : samples + 2] = struct.pack("<H", 77)
    script = (
        "import sys; from tenfold.errors import PictureError; from tenfold.reading.decode import decode\n"
        "try: decode(sys.stdin.buffer.read())\n"
        "except PictureError: print('told')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=bytes(content), capture_output=True, check=True
    )
    assert (done.stdout.split(), done.stderr) == ([b"told"], b"")


def test_threads_leave_warnings_as_they_were() -> None:
    before = warnings.filters[:]
    contents = [make() for make in FILES.values()] + [b"", b"text"]

    def attempt(k: int) -> bool:
        try:
            decode(contents[k % len(contents)])
        except PictureError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(attempt, range(6 * len(contents))))
    assert sum(done) == 6 * len(FILES)
    assert warnings.filters == before


def test_threads_may_read_documents_side_by_side() -> None:
    content = several("PDF", 2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: list(decode_all(content)), range(12)))
    assert all(len(document) == 2 for document in found)
    assert all(np.array_equal(document[1].values, found[0][1].values) for document in found)
