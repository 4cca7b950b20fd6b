"""`tenfold read` on made pages with the shipped reader: what is printed is what the reader answers."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tenfold
from makers.pages import crop, page
from tenfold.cli import main, overlays
from tenfold.reading import decode, overlay
from tenfold.reading.answers import Mark, Number, Page, Prediction
from tenfold.reading.spelling import percent, spell

PAGE = page(1, "clean scan", split="validation")
POINT = crop(1, "point", split="validation")


@pytest.fixture(scope="module")
def reader():
    return tenfold.load()


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to work in, with a page, a crop with a decimal point, and blank paper."""
    Image.fromarray(PAGE.picture).save(tmp_path / "page.png")
    Image.fromarray(POINT.picture).save(tmp_path / "point.png")
    Image.fromarray(np.full((120, 200), 230, np.uint8)).save(tmp_path / "blank.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capfd):
    """Run `tenfold read`; returns its exit code, and the lines on standard output and on standard error."""

    def run(*arguments):
        code = main(["read", *map(str, arguments)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out.splitlines(), err.splitlines()

    return run


def objects(lines):
    return [json.loads(line) for line in lines]


def box_around(number):
    xs, ys = np.array(number.box).T
    return xs.min(), ys.min(), np.ptp(xs), np.ptp(ys)


# ---- spelling


def digit(value, unsure=False):
    return Prediction(value, str(value), 0.4 if unsure else 0.9, unsure, np.zeros(10), np.zeros((28, 28)))


def number(text, marks=(), unsure=(), confidence=0.9, box=((0, 0), (40, 0), (40, 20), (0, 20))):
    digits = tuple(digit(int(d), place in unsure) for place, d in enumerate(text))
    found = tuple(Mark(kind, position, box, 1.0) for kind, position in marks)
    return Number(text, confidence, bool(unsure), box, digits, marks=found, raw=text)


def test_percentages_never_round_doubt_away():
    assert [percent(share) for share in (0, 0.0001, 0.5, 0.99999, 1, float("nan"))] == [
        "0.0%",
        "0.1%",
        "50.0%",
        "99.9%",
        "100.0%",
        "–",
    ]


def test_a_number_is_spelled_as_it_stands():
    assert spell(number("1250")) == "1250"
    assert spell(number("1250", [("point", 2)])) == "12.50"
    assert spell(number("1250", [("minus", 0), ("comma", 1), ("other", 4)])) == "-1,250~"
    assert spell(number("12", [("cut", 0), ("cut", 2)], unsure={1})) == "|1?|"
    assert spell(number("12", [("point", 1)], unsure={0, 1}), guess=True) == "1.2"


# ---- the three forms


def test_text_has_one_line_a_number(call, desk, reader):
    code, out, err = call("page.png", "point.png")
    expected = [("page.png", n) for n in reader.read("page.png").numbers]
    expected += [("point.png", n) for n in reader.read("point.png").numbers]
    assert (code, err) == (0, [])
    assert len(expected) > 5
    assert [line.split("  ")[0] for line in out] == [f"{name}: {spell(n)}" for name, n in expected]
    assert ["unsure" in line for line in out] == [n.unsure for _, n in expected]
    assert all("%" in line for line in out)
    raw = call("--raw", "page.png", "point.png")[1]
    assert [line.split("  ")[0] for line in raw] == [
        f"{name}: {spell(n, guess=True)}" for name, n in expected
    ]


def test_a_field_without_a_number_has_a_row_of_its_own(call, desk, reader):
    code, out, err = call(
        "--format", "csv", "--region", "a=0,0,40,40", "--region", "b=10,10,30,30", "blank.png"
    )
    rows = list(csv.DictReader(out))
    assert code == 0
    assert [(row["region"], row["number"], row["text"]) for row in rows] == [("a", "", ""), ("b", "", "")]
    assert [line.rpartition(": ")[2] for line in err] == 2 * ["no number found"]


def test_json_is_what_the_reader_answers(call, desk, reader):
    code, out, err = call("--format", "json", "point.png", "blank.png")
    assert (code, err) == (0, [])
    first, blank = objects(out)
    answer = reader.read("point.png")
    assert (first["source"], first["size"], first["notes"]) == ("point.png", list(answer.size), [])
    (told,), (found,) = first["numbers"], answer.numbers
    fields = [
        "text",
        "confidence",
        "unsure",
        "box",
        "digits",
        "alternatives",
        "marks",
        "region",
        "rule",
        "raw",
        "notes",
    ]
    assert list(told) == fields
    assert (told["text"], told["unsure"], told["raw"]) == (found.text, found.unsure, found.raw)
    assert told["confidence"] == pytest.approx(found.confidence, abs=1e-6)
    np.testing.assert_allclose(told["box"], found.box, atol=0.06)
    assert [(m["kind"], m["position"]) for m in told["marks"]] == [(m.kind, m.position) for m in found.marks]
    assert [(a["text"]) for a in told["alternatives"]] == [text for text, _ in found.alternatives]
    for one, other in zip(told["digits"], found.digits, strict=True):
        assert list(one) == ["digit", "confidence", "is_digit", "unsure", "probabilities", "box"]
        assert one["digit"] == other.digit
        np.testing.assert_allclose(one["probabilities"], other.probabilities, atol=1e-6)
        np.testing.assert_allclose(one["box"], other.box, atol=0.06)
    assert blank == {"source": "blank.png", "size": [200, 120], "numbers": [], "notes": []}


def test_csv_is_one_row_a_number(call, desk, reader):
    code, out, err = call("--format", "csv", "page.png", "point.png", "blank.png", "missing.png")
    rows = list(csv.DictReader(io.StringIO("\n".join(out))))
    *numbers, last = rows
    expected = [*reader.read("page.png").numbers, *reader.read("point.png").numbers]
    assert code == 1
    assert err == ["tenfold: blank.png: no number found"]
    assert [(row["text"], row["shown"]) for row in numbers] == [(n.text, spell(n)) for n in expected]
    assert numbers[-1]["number"] == "1"
    assert numbers[-1]["marks"] == " ".join(f"{m.kind}@{m.position}" for m in expected[-1].marks)
    corner = [float(numbers[0][key]) for key in "xywh"]
    np.testing.assert_allclose(corner, box_around(expected[0]), atol=0.06)
    assert last["error"] == "missing.png: no such file"
    assert (last["source"], last["text"]) == ("missing.png", "")


# ---- pictures that cannot be read, and pages without numbers


def test_the_others_are_still_read(call, desk):
    (desk / "broken.png").write_bytes((desk / "point.png").read_bytes()[:90])
    Image.new("L", (3, 3)).save("tiny.png")
    names = ["missing.png", "broken.png", "./tiny.png", "point.png"]
    code, out, err = call(*names)
    assert code == 1
    assert [line.split(": ")[0] for line in out] == ["point.png"]
    assert [line.split(": ")[1] for line in err] == names[:3]
    assert "3x3" in err[2]
    told = objects(call("--format", "json", *names)[1])
    assert [answer["source"] for answer in told] == names
    assert [sorted(answer) == ["error", "source"] for answer in told] == [True, True, True, False]


def test_blank_paper_is_no_error(call, desk):
    assert call("blank.png") == (0, [], ["tenfold: blank.png: no number found"])


def test_an_animation_says_that_its_first_frame_was_read(call, desk):
    frames = [Image.fromarray(POINT.picture), Image.new("L", POINT.picture.shape[::-1])]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    code, out, err = call("moving.gif")
    assert (code, len(out), err) == (0, 1, ["tenfold: moving.gif: first frame of 2"])


# ---- documents


def test_every_page_of_a_document_is_a_page(call, desk):
    pages = [Image.open("point.png"), Image.new("L", (3, 3)), Image.open("point.png")]
    pages[0].save("form.tif", save_all=True, append_images=pages[1:])
    code, out, err = call("form.tif")
    assert code == 1
    assert [line.split(": ")[0] for line in out] == ["form.tif#1", "form.tif#3"]
    assert len(err) == 1
    assert err[0].startswith("tenfold: form.tif#2: is 3x3")


def test_a_document_cut_off_at_the_most_pages_says_so(call, desk, monkeypatch):
    monkeypatch.setattr(decode, "MOST_PAGES", 1)
    Image.open("point.png").save("form.tif", save_all=True, append_images=[Image.open("point.png")])
    code, out, err = call("form.tif")
    assert (code, len(out)) == (0, 1)
    assert err == ["tenfold: form.tif#1: the last page read of 2"]


def test_every_page_of_a_pdf_is_a_page(call, desk):
    pytest.importorskip("pypdfium2")
    blank = Image.open("blank.png")
    Image.open("point.png").save("form.pdf", save_all=True, append_images=[blank], resolution=200)
    code, out, err = call("form.pdf")
    assert code == 0
    assert [line.split(": ")[0] for line in out] == ["form.pdf#1"]
    assert err == ["tenfold: form.pdf#2: no number found"]


# ---- regions, knowledge, marks


def test_regions_are_read_alone_by_their_names(call, desk, reader):
    corners = [np.array(n.box) for n in PAGE.numbers]
    fields = []
    for box in (corners[2], corners[3]):
        (left, top), (right, bottom) = box.min(axis=0) - 6, box.max(axis=0) + 6
        fields.append((round(left), round(top), round(right - left), round(bottom - top)))
    texts = [",".join(map(str, field)) for field in fields]
    code, out, _ = call("--format", "json", "--region", f"sum=0={texts[0]}", "--region", texts[1], "page.png")
    (told,) = objects(out)
    expected = reader.read("page.png", regions={"sum=0": fields[0], "2": fields[1]}).numbers
    assert code == 0
    assert [(n["region"], n["text"]) for n in told["numbers"]] == [(n.region, n.text) for n in expected]
    assert {n.region for n in expected} == {"sum=0", "2"}
    assert call("--region", f"sum={texts[0]}", "page.png")[1][0].startswith("page.png [sum]: ")


def test_a_region_outside_is_an_error_of_the_picture_or_of_the_command(call, desk):
    height, width = PAGE.picture.shape[:2]
    wide = f"0,0,{width},{height}"
    code, out, err = call("--region", wide, "point.png", "page.png")
    assert code == 1
    assert {line.split(" [")[0] for line in out} == {"page.png"}
    assert len(err) == 1
    assert err[0].startswith("tenfold: point.png: region '1'")
    assert call("--region", wide, "point.png")[:2] == (2, [])


def test_knowledge_chooses_and_the_raw_reading_stays(call, desk, reader):
    raw = reader.read("point.png").numbers[0].text
    other = str((int(raw[0]) + 1) % 10) + raw[1:]
    (desk / "ids.txt").write_text(f"{other}\n\n")
    code, out, _ = call("--ids", "ids.txt", "--length", len(raw), "point.png")
    assert code == 0
    assert out[0].split(": ")[1].replace(".", "").startswith(("?", other))
    assert f"length {len(raw)}, ids; raw reading {raw}" in out[0]
    (told,) = objects(call("--format", "json", "--ids", "ids.txt", "point.png")[1])
    assert (told["numbers"][0]["text"], told["numbers"][0]["raw"]) == (other, raw)
    (row,) = csv.DictReader(
        io.StringIO("\n".join(call("--format", "csv", "--check", "luhn", "point.png")[1]))
    )
    assert row["rule"].startswith("luhn")


def test_a_point_makes_a_number_unsure_unless_let_pass(call, desk, reader):
    for use in ("unsure", "ignore", "thousands"):
        (told,) = objects(call("--format", "json", "--marks", use, "point.png")[1])
        assert told["numbers"][0]["unsure"] is reader.read("point.png", marks=use).numbers[0].unsure


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", "1,2,3"], "X,Y,W,H"),
        (["--region", "a=1,2,3,nan"], "X,Y,W,H"),
        (["--region=-1,0,30,30"], "X,Y,W,H"),
        (["--region", "0,0,30,0"], "X,Y,W,H"),
        (["--region", "=0,0,30,30"], "empty name"),
        (["--region", "a=0,0,30,30", "--region", "a=0,0,40,30"], "used twice"),
        (["--length", "0"], "from 1 to 64"),
        (["--length", "many"], "--length"),
        (["--check", "isbn"], "luhn"),
        (["--ids", "none.txt"], "none.txt: no such file"),
        (["--ids", "point.png"], "point.png"),
        (["--marks", "some"], "--marks"),
        (["--format", "kaggle"], "kaggle"),
        (["--overlay", "point.png"], "point.png"),
        (["--model", "none"], "none: no such reader"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(call, desk, arguments, message):
    code, out, err = call(*arguments, "point.png")
    assert (code, out) == (2, [])
    assert len(err) == 1
    assert message in err[0]


# ---- overlays


def test_overlays_have_their_pictures_names_and_never_replace_a_file(call, desk):
    for folder in ("one", "two"):
        (desk / folder).mkdir()
        Image.open("point.png").save(desk / folder / "a.png")
    odd = os.fsdecode(b"f\xff?\n.png")
    Image.open("blank.png").save(odd)
    code, _, err = call("--overlay", "out/seen", "one/a.png", "two/a.png", odd)
    assert code == 0
    assert sorted(os.listdir("out/seen")) == ["a.png (2).png", "a.png.png", "f___.png.png"]
    assert err[0] == "tenfold: two/a.png: its overlay is out/seen/a.png (2).png, for a.png.png was there"
    before = (desk / "out/seen/a.png.png").read_bytes()
    call("--overlay", "out/seen", "one/a.png")
    assert (desk / "out/seen/a.png.png").read_bytes() == before
    assert len(os.listdir("out/seen")) == 4


def test_the_overlay_is_upright_and_shows_what_was_read(call, desk, reader):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned right by a quarter when shown
    Image.open("page.png").rotate(90, expand=True).save("turned.jpg", exif=exif, quality=95)
    assert call("--overlay", "out", "turned.jpg")[0] == 0
    drawn = np.asarray(Image.open("out/turned.jpg.png")).astype(int)
    answer = reader.read("turned.jpg")
    assert len(answer.numbers) > 5
    assert drawn.shape[1] >= answer.size[0] == PAGE.picture.shape[1]
    x, y, w, _ = (round(float(value)) for value in box_around(answer.numbers[0]))
    frame = drawn[max(0, y - 12) : y + 4, x : x + w]
    shown = {colour: (abs(frame - colour).max(axis=2) < 30).sum() for colour in COLOURS.values()}
    assert max(shown.values()) > w


COLOURS = {"sure": overlay.SURE, "unsure": overlay.UNSURE, "very unsure": overlay.VERY_UNSURE}


@pytest.mark.parametrize("size", [(20, 45), (300, 400), (1300, 1700)])
@pytest.mark.parametrize(("kind", "confidence"), [("sure", 0.9), ("unsure", 0.6), ("very unsure", 0.2)])
def test_colours_follow_confidence_at_any_size(size, kind, confidence):
    values = np.full(size, 200, np.uint8)
    found = replace(number("1250", confidence=confidence), unsure=kind != "sure", digits=())
    drawn = overlay.draw_page(values, Page((found,), size[::-1]))
    assert (values == 200).all()
    assert drawn.dtype == np.uint8
    assert max(drawn.shape) >= 900
    counts = {
        name: (abs(drawn.astype(np.int16) - colour).max(axis=2) < 8).sum() for name, colour in COLOURS.items()
    }
    assert counts.pop(kind) > 100
    assert set(counts.values()) == {0}


def test_a_label_at_the_edge_gets_room():
    values = np.full((1000, 1000, 3), 180, np.uint8)
    turned = ((0, 60), (0, 0), (30, 0), (30, 60))  # read from bottom to top
    drawn = overlay.draw_page(values, Page((number("12", box=turned),), (1000, 1000)))
    assert drawn.shape[0] == 1000
    assert drawn.shape[1] > 1010
    added = drawn[:, : drawn.shape[1] - 1000]
    assert (abs(added.astype(int) - overlay.SURE).max(axis=2) < 8).any()


@given(st.text(min_size=1, max_size=300))
def test_any_name_gives_a_name_for_one_file(name):
    made = overlays.file_name(name)
    assert "/" not in made
    assert len(made.encode()) <= 200
    assert made.isprintable()


# ---- as a process


def in_a_process(*arguments, **settings):
    return subprocess.run([sys.executable, "-m", "tenfold", "read", *arguments], check=False, **settings)


def test_pages_from_standard_input(desk):
    content = io.BytesIO()
    Image.open("point.png").save(content, "TIFF", save_all=True, append_images=[Image.open("blank.png")])
    done = in_a_process("--overlay", "out", "-", input=content.getvalue(), capture_output=True)
    assert done.returncode == 0
    assert done.stdout.startswith(b"-#1: ")
    assert done.stderr.splitlines() == [b"tenfold: -#2: no number found"]
    assert sorted(os.listdir("out")) == ["standard input#1.png", "standard input#2.png"]


def test_a_closed_pipe_ends_quietly(desk):
    reading, writing = os.pipe()
    os.close(reading)
    done = in_a_process("point.png", "page.png", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
