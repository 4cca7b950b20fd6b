"""`tenfold evaluate` with a report: what is measured, what the page holds, what is refused."""

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import tenfold
from tenfold.cli import main
from tenfold.data import Dataset, Split
from tenfold.errors import DataError, MissingExtraError, OptionError, RunError
from tenfold.judging.assessment import CLASSIC, EASIER, assess, choose_suites
from tenfold.judging.charts import to_svg
from tenfold.judging.cost import count_multiply_adds, measure_cost
from tenfold.judging.mistakes import find_nearest
from tenfold.judging.page import check_extra, claimed_report, render_page, to_json
from tenfold.judging.problems import NO_DIGIT, PROBLEMS, find_problems
from tenfold.judging.refusing import measure_risk
from tenfold.judging.shifts import SHIFTS
from tenfold.judging.summary import summarise
from tenfold.reading.spelling import percent


@pytest.fixture(scope="module")
def small(test_split) -> Dataset:
    """Forty images to judge, the others to have trained on."""
    split = test_split
    train = Split(split.images[100:], split.labels[100:])
    held = Split(split.images[60:100], split.labels[60:100])
    test = Split(split.images[:40], split.labels[:40])
    return Dataset(train, held, test, "forty <images>", "0" * 64)


@pytest.fixture(scope="module")
def assessment(means_reader, small, tmp_path_factory):
    """Everything, of a reader that is often wrong, with a folder of letters beside."""
    from PIL import Image

    from tenfold.judging.foreign import draw_letters

    folder = tmp_path_factory.mktemp("No Digits")
    for number, image in enumerate(draw_letters(3)):
        Image.fromarray(255 - image).resize((84, 84)).save(folder / f"{number}.png")
    Image.new("L", (50, 50), 240).save(folder / "blank.png")
    (folder / "broken.png").write_bytes(b"no picture")
    told: list[str] = []
    patch = pytest.MonkeyPatch()
    patch.setattr("tenfold.judging.assessment.NONDIGITS", 20)
    patch.setattr("tenfold.judging.cost.TOGETHER", 50)
    found = assess(tenfold.load(means_reader), small, ["all"], nondigits=folder, tell=told.append, limit=30)
    patch.undo()
    assert any("fog" in line for line in told)
    assert (
        sum("1 of 5 pictures cannot be opened, and are left out; the first is " in line for line in told) == 1
    )
    return found


class Page(HTMLParser):
    """Every tag with its attributes, nesting checked."""

    VOID = frozenset({"meta", "img", "br", "path", "use", "rect", "stop"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_classic_network_stands_beside_the_reader(assessment):
    means, classic = assessment.columns
    assert (means.name, classic.name) == ("means", "classic")
    assert means.clean.report.n == 30
    assert classic.clean.report.accuracy > means.clean.report.accuracy
    assert assessment.notes == (f"The first 30 of 40. {EASIER}",)
    for column in assessment.columns:
        assert len(column.corrupted) == 15
        assert [len(steps) for steps in column.shifted.values()] == [len(one.values) for one in SHIFTS]
        assert list(column.nondigits)[:3] == ["rendered letters", "scribbles", "letters and scribbles"]
        accuracies = [one.accuracy for one in column.corrupted.values()]
        assert column.mean_corrupted() == pytest.approx(np.mean(accuracies))
    folder = [refused for kind, refused in means.nondigits.items() if kind.startswith("pictures in")]
    assert folder[0].separation.n == 4
    assert "nothing" in folder[0].read_as  # blank paper is refused, not left out
    assert folder[0].left_out == 1
    assert {refused.left_out for kind, refused in means.nondigits.items() if "pictures" not in kind} == {0}


def test_pictures_left_out_are_counted_on_the_page_and_in_json(assessment):
    assert render_page(assessment).count("1 more picture could not be opened and is not counted.") == 1
    kinds = to_json(assessment)["readers"][0]["nondigits"]
    assert [figures["left_out"] for figures in kinds.values()] == [0, 0, 0, 1]


def test_a_folder_in_which_nothing_opens_is_refused_before_the_work(
    means_reader, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    Path("scans").mkdir()
    Path("scans", "a.pdf").write_bytes(b"%PDF-1.4")
    assert main(["evaluate", str(means_reader), "--nondigits", "scans", "--limit", "50"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2  # what is judged, and the error
    assert "of 1 pictures in it none can be opened; the first is scans/a.pdf: reading PDF needs" in lines[1]
    assert "scans]" in lines[1]  # the extra, in what to install
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scans"]


def test_shifts_that_change_nothing_leave_the_accuracy(assessment):
    for column in assessment.columns:
        for change in SHIFTS:
            usual = column.shifted[change.name][change.values.index(change.usual)]
            assert usual.accuracy == column.clean.report.accuracy
            assert usual.sure == column.clean.report.answered


def test_the_mean_without_what_training_resembles(assessment):
    column = assessment.columns[0]
    others = [outcome.accuracy for name, outcome in column.corrupted.items() if name not in {"fog", "shear"}]
    assert column.mean_corrupted(["fog", "shear"]) == pytest.approx(np.mean(others))
    named = replace(assessment, resembled={"fog": "there is mist", "shear": "digits lean"})
    rows = {row.name: row for row in summarise(named)}
    assert rows["corrupted, unlike training"].values[0] == percent(float(np.mean(others)), 2)
    assert rows["corrupted, unlike training"].why == "without fog, shear"
    assert "there is mist" in render_page(named)


def test_where_training_resembles_every_corruption_there_is_one_mean_that_says_so(assessment):
    named = replace(assessment, resembled=dict.fromkeys(assessment.columns[0].corrupted, "it does"))
    rows = {row.name: row for row in summarise(named)}
    assert "corrupted, unlike training" not in rows
    assert rows["corrupted, mean"].why.endswith("each of which training resembles")
    assert "unlike training" not in render_page(named)
    assert to_json(named)["readers"][0]["corrupted"]["mean_accuracy_unlike_training"] is None


def test_mistakes_have_their_three_answers_and_neighbours(assessment, small):
    report = assessment.columns[0].clean.report
    assert [one.index for one in assessment.mistakes] == report.wrong.tolist()
    first = assessment.mistakes[0]
    assert first.label == str(small.test.labels[first.index])
    assert first.answer == first.top[0][0] != first.label
    assert len(first.top) == len(first.nearest) == 3


def test_nearest_images_are_those_of_plain_loops(test_split):
    training = (
        Split(test_split.images[100:], test_split.labels[100:]),
        Split(test_split.images[50:100], test_split.labels[50:100]),
    )
    everything = np.concatenate([split.images for split in training]).astype(float)
    for image, near in zip(
        test_split.images[:3], find_nearest(test_split.images[:3], training, "0123456789"), strict=True
    ):
        distances = np.sqrt(((everything - image) ** 2).mean(axis=(1, 2)))
        assert [one.distance for one in near] == pytest.approx(np.sort(distances)[:3], rel=1e-4)
        assert np.array_equal(near[0].image, everything[distances.argmin()])


def test_the_page_needs_nothing_beside_it(assessment):
    text = render_page(assessment)
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "link", "iframe"})
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            if address := attributes.get(name):
                assert address.startswith(("data:image/png;base64,", "#")), (tag, address)
    assert not re.search(r"url\((?!#)", text)
    assert "forty &lt;images&gt;" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "<h3>Pictures in No Digits0 " in text


def test_the_page_s_links_lead_somewhere(assessment):
    tags = Page(render_page(assessment)).tags
    ids = [attributes["id"] for tag, attributes in tags if "id" in attributes]
    targets = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    targets |= {attributes["popovertarget"] for _, attributes in tags if "popovertarget" in attributes}
    assert targets <= set(ids)
    assert {f"m{one.index}" for one in assessment.mistakes} <= targets
    assert all("alt" in attributes for tag, attributes in tags if tag == "img")


def test_charts_take_the_page_s_colours(assessment):
    from tenfold.judging import charts

    svg = to_svg(charts.risk({one.name: one.clean.risk for one in assessment.columns}))
    assert svg.startswith("<svg")
    assert "var(--one)" in svg
    assert "var(--ink)" in svg
    assert "<text" in svg  # words stay words
    assert not re.search(r"#1c2733|#1f6fb2|#d9661f", svg)
    assert svg == to_svg(charts.risk({one.name: one.clean.risk for one in assessment.columns}))


def test_a_reader_without_mistakes_has_a_line_that_is_seen_and_says_so():
    from tenfold.judging import charts

    confidence = np.linspace(0.6, 1, 200)
    right = np.ones(200, bool)
    for columns in ({"good": right}, {"good": right, "other": np.arange(200) > 60}, {"other": ~right}):
        curves = {name: measure_risk(confidence, answers) for name, answers in columns.items()}
        axis = charts.risk(curves).axes[0]
        low, high = axis.get_ylim()
        assert [text.get_text() for text in axis.get_legend().get_texts()] == [
            "good: no mistakes" if name == "good" else name for name in columns
        ]
        for line in axis.lines:
            seen = line.get_ydata()[line.get_xdata() >= 0.5]
            assert low < seen.min() <= seen.max() < high


def test_the_packaged_mnist_has_a_name_and_no_path():
    assert tenfold.load_mnist(limit=10).source == "MNIST, the copy in the package"


def test_the_figures_are_the_same_in_json(assessment):
    figures = json.loads(json.dumps(to_json(assessment), allow_nan=False))
    means = figures["readers"][0]
    column = assessment.columns[0]
    assert figures["suites"] == ["mnist", "corrupted", "shifted", "nondigits"]
    assert means["clean"]["accuracy"] == column.clean.report.accuracy
    assert means["clean"]["ece"] == column.clean.reliability.error
    assert means["clean"]["confusion"] == column.clean.report.confusion.tolist()
    assert means["corrupted"]["each"]["fog"]["accuracy"] == column.corrupted["fog"].accuracy
    assert means["nondigits"]["scribbles"]["auroc"] == column.nondigits["scribbles"].separation.auroc
    assert means["card"]["data_sha256"] == column.card.data_sha256
    assert [one["index"] for one in figures["mistakes"]] == column.clean.report.wrong.tolist()


def test_a_reader_is_not_set_beside_itself(small, means_reader):
    alone = assess(tenfold.load(CLASSIC), small)
    assert len(alone.columns) == 1
    assert alone.mistakes == ()
    assert "None." in render_page(alone)


def test_multiply_adds_of_the_classic_network_by_hand():
    by_hand = 26 * 26 * 32 * 9 + 11 * 11 * 64 * 288 + 3 * 3 * 64 * 576 + 576 * 64 + 64 * 10
    assert count_multiply_adds(CLASSIC) == by_hand


def test_what_a_reader_costs(means_reader, test_split):
    cost = measure_cost(tenfold.load(means_reader), test_split.images[:3])
    assert cost.size == means_reader.stat().st_size
    assert cost.multiply_adds == 7840
    assert cost.alone > 0
    assert cost.together > 0


def test_label_problems_are_known_in_mnist_s_test_images_alone(test_split):
    test = tenfold.load_mnist().test
    assert find_problems(test).tolist() == list(PROBLEMS)
    assert len(set(PROBLEMS)) == 15
    assert len(NO_DIGIT) == 3
    changed = Split(test.images, np.where(np.arange(10_000) == 5, 0, test.labels))
    assert find_problems(changed).tolist() == []
    assert find_problems(test_split).tolist() == []


def test_suites_are_chosen_in_their_order():
    assert choose_suites(["nondigits"]) == ("mnist", "nondigits")
    assert choose_suites(["mnist"], folder=True) == ("mnist", "nondigits")
    assert choose_suites(["all"]) == ("mnist", "corrupted", "shifted", "nondigits")
    with pytest.raises(OptionError, match=r"mnist, corrupted.*got 'snow'"):
        choose_suites(["snow"])


def test_images_of_one_class_judge_nothing(means_reader, small):
    ones = small.test.labels == small.test.labels[0]
    lone = replace(small, test=Split(small.test.images[ones], small.test.labels[ones]))
    with pytest.raises(DataError, match="one class"):
        assess(tenfold.load(means_reader), lone)


def test_a_limit_that_leaves_one_class_is_the_limit_s_fault(means_reader, small, capsys, tmp_path):
    ones = int(np.flatnonzero(small.test.labels != small.test.labels[0])[0])
    for limit in range(1, ones + 1):
        with pytest.raises(OptionError, match=rf"the limit leaves .*one class only, .* {ones + 1} or more"):
            assess(tenfold.load(means_reader), small, limit=limit)
    assert assess(tenfold.load(means_reader), small, limit=ones + 1).columns[0].clean.report.n == ones + 1
    assert main(["evaluate", str(means_reader), "--limit", "1", "--out", str(tmp_path / "report")]) == 2
    assert 'the limit leaves images of one class only, "7"' in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("names", [("7", "1", "0"), ("2", "4", "1", "7", "9")])
def test_nearest_training_images_bear_the_reader_s_labels(names, means_reader, test_split):
    """Of data whose classes are some of the reader's, in another order."""
    numbers = np.array([names.index(str(k)) if str(k) in names else -1 for k in range(10)])
    labels = numbers[test_split.labels]
    images, truth, labels = (part[labels >= 0] for part in (test_split.images, test_split.labels, labels))
    parts = [Split(images[part], labels[part]) for part in np.array_split(np.arange(len(labels)), 3)]
    dataset = Dataset(*parts, "some classes", "0" * 64, names)
    found = assess(tenfold.load(means_reader), dataset)
    true_label = {image.tobytes(): str(label) for image, label in zip(images, truth, strict=True)}
    assert found.mistakes
    for one in found.mistakes:
        assert one.label == true_label[one.image.tobytes()]
        assert [near.label for near in one.nearest] == [
            true_label[near.image.tobytes()] for near in one.nearest
        ]


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr("tenfold.judging.page.find_spec", lambda name: None if name == "jinja2" else True)
    with pytest.raises(MissingExtraError, match=r'a report needs the extra "report": pip install') as caught:
        check_extra()
    assert "\n" not in str(caught.value)


def fail_in(out):
    with claimed_report(out, "ink") as folder:
        (folder / "report.html").write_text("half")
        raise ZeroDivisionError


def test_a_report_s_folder_is_new_and_goes_when_the_work_fails(tmp_path):
    out = tmp_path / "a" / "b"
    with pytest.raises(ZeroDivisionError):
        fail_in(out)
    assert list(tmp_path.iterdir()) == []
    out.mkdir(parents=True)
    with pytest.raises(ZeroDivisionError):
        fail_in(out)
    assert list(out.iterdir()) == []  # it was there before
    (out / ".report.part.html").write_text("what a killed one leaves")
    with pytest.raises(ZeroDivisionError):
        fail_in(out)
    (out / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        fail_in(out)
    assert (out / "mine.txt").read_text() == "mine"


def test_a_report_s_folder_has_a_name_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with claimed_report(None, "ink") as folder:
        assert re.fullmatch(r"runs/\d{8}-\d{6}-ink-report", folder.as_posix())


@pytest.mark.parametrize("name", ["../../away", "/tmp/away", "a\0b", "x" * 300, "...", "a\nb"])
def test_a_reader_s_name_does_not_decide_where_its_report_goes(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with claimed_report(None, name) as folder:
        assert folder.parent.as_posix() == "runs"
        assert folder.resolve().parent == tmp_path.resolve() / "runs"


def test_the_command_writes_a_report_and_prints_the_table(means_reader, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["evaluate", str(means_reader), "--suite", "mnist", "--limit", "50", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json"]
    printed = capsys.readouterr()
    assert printed.out.startswith("Test accuracy: ")
    assert re.search(r"^ +means +classic$", printed.out, re.MULTILINE)
    assert re.search(r"^coverage, 99.9% right +[\d.]+%", printed.out, re.MULTILINE)
    assert f"report: {out / 'report.html'}" in printed.err
    assert main(["evaluate", str(means_reader), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_without_a_report_prints_as_ever(means_reader, capsys):
    assert main(["evaluate", str(means_reader), "--limit", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Test accuracy: ")
    assert len(lines) == 3


@pytest.mark.parametrize("arguments", [["--suite", "snow"], ["--limit", "0"], ["--nondigits", "nowhere"]])
def test_a_wrong_command_is_refused_in_one_line(arguments, means_reader, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(means_reader), *arguments]) == 2
    wrong = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tenfold: ")]
    assert len(wrong[-1]) < 200
    assert not list(tmp_path.rglob("report*"))
