"""The course: every page has its parts, shows nothing that was not run; its links and commands are real."""

import base64
import json
import re
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tenfold.cli import course, main
from tenfold.data.arrays import as_split
from tenfold.data.dataset import DIGITS
from tenfold.errors import TenfoldError
from tenfold.making.dials import make_grid
from tenfold.making.plans import Plan, Source
from tenfold.making.recipes import Recipe

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_lib"))

import contents  # noqa: E402
import experiments  # noqa: E402
import reference  # noqa: E402
import running  # noqa: E402
import sources  # noqa: E402

LARGEST_PICTURE = 40_000  # bytes
PARTS = (
    "See it",
    "The formula",
    "In NumPy",
    "Measured",
    "The common mistake",
    "Try it",
    "In Tenfold, and where it comes from",
)
SPEAKS_OF_A_FIGURE = re.compile(
    r"\b(figure|picture|image|grid|table|map|curve|bar|row|column|line|strip|histogram|left|right|above|below|"
    r"see|drawn|shown?|shows|looks?|here)s?\b",
    re.IGNORECASE,
)

PAGES = [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]
CONCEPTS = sorted((DOCS / "concepts").glob("*.md"))
GUIDES = sorted((DOCS / "guides").glob("*.md"))
HIDDEN = "remove-input"
TAUGHT = [page for page in PAGES if page.parent.name in contents.PARTS]


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix()


def sections(text: str) -> dict[str, str]:
    """A page's parts by their heading; what stands before the first is under ""."""
    pieces = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {"": pieces[0], **dict(zip(pieces[1::2], pieces[2::2], strict=True))}


def cells(text: str) -> list[tuple[str, str]]:
    """The code cells, each with its options: (options, code)."""
    found = []
    for block in re.findall(r"^```\{code-cell\}.*?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        options = [line for line in lines if re.match(r":\w[\w-]*:", line)]
        found.append(("\n".join(options), "\n".join(lines[len(options) :])))
    return found


def prose(text: str) -> str:
    return re.sub(r"^(```|:::).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL).strip()


def test_every_page_is_in_the_contents():
    listed = {page for part in contents.PARTS for page in contents.pages(part)}
    assert {name_of(page) for page in TAUGHT} == listed
    known = {name for part in contents.PARTS.values() for names in part.values() for name in names}
    assert set(contents.ALIASES.values()) <= known
    assert not set(contents.ALIASES) & known


@pytest.mark.parametrize("page", CONCEPTS, ids=name_of)
def test_a_concept_has_all_its_parts(page):
    parts = sections(page.read_text("utf-8"))
    assert [heading for heading in parts if heading in PARTS] == list(PARTS)
    answer = prose(parts[""].split("\n", 1)[1])
    assert answer.endswith("."), "the page begins with the answer"
    assert not re.search(r"[.!?] [A-Z]", answer), "in one sentence"
    assert len(answer.split()) < 50
    assert any("alt:" in options for options, _ in cells(parts["See it"]))
    assert "$$" in parts["The formula"]
    assert any("assert " in code and "keras" in code for _, code in cells(parts["In NumPy"]))
    measured = parts["Measured"]
    assert "```{experiment}" in measured or any("print(" in code for _, code in cells(measured))
    assert any("plt.show()" in code for _, code in cells(measured))
    assert len(prose(parts["The common mistake"])) > 60
    assert re.search(r"^```\{dropdown\} Answer\n\S", parts["Try it"], re.MULTILINE)
    origin = parts["In Tenfold, and where it comes from"]
    assert "{tenfold}`" in origin
    assert re.search(r"\b(1[89]|20)\d\d\b.*\]\(https://", origin, re.DOTALL), "source, year, link"


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_no_cell_is_without_an_assertion_or_a_figure_that_the_text_speaks_of(page):
    text = page.read_text("utf-8")
    found = cells(text)
    assert text.count("```{code-cell}") == len(found)
    for (options, code), (after, check) in zip(found, [*found, ("", "")][1:], strict=True):
        checked = f"{code}\n{check}" if HIDDEN in after and HIDDEN not in options else code
        assert re.search(r"^\s*assert ", checked, re.MULTILINE) or "plt.show()" in code, code
        drawn = re.search(r"^plt\.show\(\)$", code, re.MULTILINE)
        assert bool(drawn) == (":alt:" in options), f"alt text goes with a figure:\n{code}"
        if drawn:
            after = prose(text.split(code, 1)[1].split("```", 1)[1]).split("\n## ")[0]
            assert SPEAKS_OF_A_FIGURE.search(after), f"no word about the figure of\n{code}"


def test_the_page_of_the_script_shows_the_script():
    text = (DOCS / "script" / "first_steps.md").read_text("utf-8")
    shown = "\n".join(code for options, code in cells(text) if HIDDEN not in options)
    script = (ROOT / "examples" / "first_steps.py").read_text("utf-8").split('"""', 2)[2]
    assert list(filter(str.strip, shown.splitlines())) == list(filter(str.strip, script.splitlines()))


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_a_guide_shows_the_commands_that_it_ran(page):
    text = page.read_text("utf-8")
    ran = [command for _, code in cells(text) for command in re.findall(r'\brun\("(.+)"\)', code)]
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shown = iter(line for block in blocks for line in block.splitlines())
    assert ran
    for command in ran:
        assert command in shown, f"not shown, or not in this order: {command}"


def scripts_named(text: str) -> set[str]:
    """The commands in a text that run a file of the repository."""
    found = re.findall(r"\bpython ((?:benchmarks|examples|docs)/[^`\n#]+?)[ ]*(?=[`\n#])", text)
    return {" ".join(command.split()) for command in found}


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_the_scripts_that_a_page_names_exist_with_their_options(page):
    for command in scripts_named(page.read_text("utf-8")):
        script, *words = shlex.split(command)
        source = (ROOT / script).read_text("utf-8")
        for word in words:
            if word.startswith("--"):
                assert f'"{word}"' in source, command
            elif "/" in word:
                assert (ROOT / word).exists(), command


def test_the_guide_to_figures_has_every_benchmark_that_the_readme_names():
    readme = scripts_named((ROOT / "README.md").read_text("utf-8"))
    guide = (DOCS / "guides" / "figures.md").read_text("utf-8")
    benchmarks = {command for command in readme if command.startswith("benchmarks/")}
    assert len(benchmarks) >= 3
    assert benchmarks <= scripts_named(guide)
    kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert kept == set(re.findall(r"benchmarks/results/\w+\.json", guide))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_into_the_code_lead_somewhere(page):
    for target in re.findall(r"\{tenfold\}`([^`]+)`", page.read_text("utf-8")):
        if page.name != "WRITING.md":
            path, line = sources.find_line(target)
            assert 1 <= line <= len(path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("target", ["making.nothing", "nothing", "making.networks.classic: no such words"])
def test_a_link_to_nothing_is_refused(target):
    with pytest.raises(LookupError):
        sources.find_line(target)


def test_a_link_finds_words_inside_one_function_only():
    path, line = sources.find_line("making.networks.ink: Flatten")
    text = path.read_text("utf-8").splitlines()
    assert "Flatten" in text[line - 1]
    assert text[: line - 1].count("def ink(classes: int, activation: str) -> keras.Model:") == 1


@pytest.mark.parametrize("page", TAUGHT, ids=name_of)
def test_the_commands_of_a_page_exist(page):
    told = reference.write_commands()
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["tenfold"] and len(words) > 1 and not words[1].startswith("-"):
                section = told.split(f"## tenfold {words[1]}\n", 1)
                assert len(section) == 2, f"there is no command {words[1]}"
                options = section[1].split("\n## tenfold ")[0]
                for option in (word for word in words if word.startswith("--")):
                    assert option.split("=")[0] in options, line


def test_what_is_kept_is_small_and_belongs_to_a_page():
    kept = {running.place_of(page) for page in running.find_pages()}
    for path in running.CACHE.glob("*.json"):
        assert path in kept, f"{path.name} belongs to no page"
        for output in (output for cell in json.loads(path.read_text("utf-8"))["outputs"] for output in cell):
            png = output.get("data", {}).get("image/png")
            assert png is None or len(base64.b64decode(png)) <= LARGEST_PICTURE, path.name


def test_the_key_changes_with_the_code_alone():
    page = "# A\n\nText.\n\n```{code-cell}\n:alt: One.\nassert 1 + 1 == 2\n```\n"
    key = running.key_of(running.read_cells(page))
    assert running.key_of(running.read_cells(page.replace("Text.", "Other text."))) == key
    assert running.key_of(running.read_cells(page.replace("One.", "Two."))) == key
    assert running.key_of(running.read_cells(page.replace("1 + 1", "2 + 0"))) != key


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_error_in_a_page_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "DOCS", tmp_path)
    monkeypatch.setattr(running, "CACHE", tmp_path / "_cache")
    page = tmp_path / "page.md"
    page.write_text("# A\n\n```{code-cell}\nassert 1 + 1 == 3\n```\n")
    with pytest.raises(Exception, match=r"page\.md: a code cell failed"):
        running.run(page)
    page.write_text("# A\n\n```{code-cell}\nprint(1 + 1)\n```\n")
    running.run(page)
    assert running.is_kept(page)
    (cell,) = running.read(page.read_text()).cells[1:]
    assert cell.outputs[0]["text"] == "2\n"


def test_what_is_kept_names_no_folder_of_the_machine():
    here = Path(sys.modules["tenfold"].__file__).parents[1]
    said = running._without_folders(f"training on MNIST ({here}/tenfold/data/mnist.npz)")
    assert said == "training on MNIST (…/tenfold/data/mnist.npz)"
    for path in running.CACHE.glob("*.json"):
        assert not re.search(r"/(root|home|Users|tmp)/", path.read_text("utf-8")), path.name


@pytest.mark.parametrize("path", sorted(experiments.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_an_experiment_says_how_it_was_made(path):
    found = experiments.load(path.stem)
    assert path.stat().st_size < 100_000
    command = shlex.split(found["command"])
    assert command[0] in {"python", "tenfold"}
    assert command[0] == "tenfold" or (ROOT / command[1]).is_file()


def test_the_reference_has_every_public_name_and_command():
    face = reference.write_face()
    import tenfold

    assert all(f"\n## {name}\n" in f"\n{face}" for name in tenfold._HOME)
    told = reference.write_commands()
    for command, option in (("predict", "--model READER"), ("train", "--epochs"), ("docs", "--print")):
        assert option in told.split(f"## tenfold {command}\n")[1].split("\n## tenfold ")[0]
    assert "`--as-is`\n:" in told
    assert "goes on with `--resume` RUN" in told
    fields = reference.write_fields("reading.bundle.Card")
    assert "**threshold**: confidence below which" in fields


@pytest.mark.parametrize(
    ("topic", "wrong"),
    [
        ("normalisation", lambda: as_split(np.full((2, 28, 28), 0.5), np.array([0, 1]), DIGITS, "here")),
        ("shapes", lambda: as_split(np.zeros((28, 28, 2), np.uint8), np.array([0, 1]), DIGITS, "here")),
        ("labels", lambda: as_split(np.zeros((2, 28, 28), np.uint8), np.eye(10)[:2] / 2, DIGITS, "here")),
        ("labels", lambda: make_grid({"loss": "all", "labels": "all"})),
        ("overfitting", lambda: Plan(Recipe(early_stopping=2), source=Source(validation=0))),
    ],
)
def test_a_message_ends_with_the_page_that_explains_it(topic, wrong):
    with pytest.raises(TenfoldError, match=rf" \(tenfold docs {topic}\)$"):
        wrong()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A built site in the current folder; no browser is opened."""
    folder = tmp_path / course.SITE
    folder.mkdir(parents=True)
    topics = {
        "softmax": "concepts/softmax.html",
        "relu": "concepts/relu.html",
        "max_pooling": "concepts/max_pooling.html",
    }
    (folder / course.TOPICS).write_text(json.dumps(topics))
    monkeypatch.setattr(course, "REPOSITORY", tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(course.webbrowser, "open", lambda address: not opened.append(address))
    return opened


@pytest.mark.parametrize(
    ("topic", "page"),
    [
        ([], "index.html"),
        (["softmax"], "concepts/softmax.html"),
        (["ReLU"], "concepts/relu.html"),
        (["max pooling"], "concepts/max_pooling.html"),
        (["max-pooling"], "concepts/max_pooling.html"),
        (["softmax.md"], "concepts/softmax.html"),
    ],
)
def test_docs_opens_a_page(site, capsys, topic, page):
    assert main(["docs", *topic]) == 0
    assert site == [capsys.readouterr().out.strip()]
    assert site[0].startswith("file://")
    assert site[0].endswith(f"docs/_build/html/{page}")


def test_docs_may_only_print(site, capsys):
    assert main(["docs", "softmax", "--print"]) == 0
    assert capsys.readouterr().out.strip().endswith("softmax.html")
    assert site == []


def test_docs_tells_who_has_no_browser_where_the_page_is(site, capsys, monkeypatch):
    monkeypatch.setattr(course.webbrowser, "open", lambda address: False)
    assert main(["docs", "softmax"]) == 0
    told = capsys.readouterr()
    assert told.out.strip().endswith("softmax.html")
    assert "no browser could be opened here; the page's address is above" in told.err


@pytest.mark.parametrize(
    ("topic", "near"),
    [("sofmax", " (did you mean softmax?)"), ("pool", " (did you mean max_pooling?)"), ("xyzzy", "")],
)
def test_docs_names_the_nearest_topic(site, capsys, topic, near):
    assert main(["docs", topic]) == 2
    told = capsys.readouterr().err
    assert f"no page '{topic}'{near}; there are max_pooling, relu, softmax" in told
    assert site == []


def test_docs_of_a_damaged_site_say_how_to_build_it_again(site, capsys):
    (Path(course.SITE) / course.TOPICS).write_text("[1, 2")
    assert main(["docs", "softmax"]) == 2
    assert (
        f"damaged (Expecting ',' delimiter: line 1 column 6 (char 5)); build the course again: {course.BUILD}"
        in (capsys.readouterr().err)
    )


def test_messages_lead_to_pages_of_the_course():
    named = [
        topic
        for path in (ROOT / "src").rglob("*.py")
        for topic in re.findall(r"\bsee\([\"'](\w+)[\"']\)", path.read_text("utf-8"))
        if path.name != "errors.py"
    ]
    assert len(named) >= 8
    there = {page.split("/")[1] for part in contents.PARTS for page in contents.pages(part)}
    assert set(named) <= there


def test_docs_that_are_not_built_say_how(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course, "REPOSITORY", tmp_path)
    assert main(["docs"]) == 1
    assert f"the repository; in a copy of it: {course.BUILD}" in capsys.readouterr().err
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").touch()
    assert main(["docs"]) == 1
    assert "the course is not built yet; in" in capsys.readouterr().err


def test_the_drawn_way_names_what_is_there():
    drawn = ElementTree.parse(DOCS / "pictures" / "way.svg")
    space = "{http://www.w3.org/2000/svg}"
    assert drawn.findtext(f"{space}title")
    assert len(drawn.findtext(f"{space}desc")) > 300
    files = [node.text for node in drawn.iter(f"{space}text") if node.get("class") == "file"]
    named = [file for file in files if re.fullmatch(r"[a-z]+/\S*", file)]
    assert len(named) >= 6
    for file in named:
        assert (ROOT / "src" / "tenfold" / file).exists(), file
    assert len(list(drawn.iter(f"{space}image"))) == 4
    assert len([node for node in drawn.iter(f"{space}rect") if node.get("class") == "bar"]) == 10
