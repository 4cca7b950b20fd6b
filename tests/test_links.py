"""Links out of the project: their form, for tests have no network.

With a network, `sphinx-build -b linkcheck docs docs/_build/linkcheck` follows every one of them.
"""

import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
PAGES += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
KNOWN = {
    "ai.stanford.edu", "arxiv.org", "colab.research.google.com", "doi.org", "github.com", "icml.cc",
    "jmlr.org", "keepachangelog.com", "onnx.ai", "openaccess.thecvf.com", "openreview.net",
    "proceedings.mlr.press", "proceedings.neurips.cc", "semver.org", "www.cs.toronto.edu", "www.jmlr.org",
    "www.kaggle.com",
}  # fmt: skip
LINK = re.compile(r"\[([^\]]+)\]\(<?(https?://[^)>\s]+)>?\)")
YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
ARXIV = re.compile(r"(\d\d)(\d\d)\.\d{4,5}")


def links(page: Path) -> list[tuple[str, str, str]]:
    """Each link out of a page: its words, its address, and the text before it since the last one."""
    found, start = [], 0
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in LINK.finditer(text):
        found.append((link[1], link[2], text[start : link.start()]))
        start = link.end()
    return found


def years() -> dict[str, dict[str, set[str]]]:
    """By address and by title: each year that a paper is given, with the pages that give it."""
    given: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for page in PAGES:
        for _, address, before in links(page):
            sentence = " ".join(before.split())[-400:]
            if found := YEAR.findall(sentence):
                given[address][found[-1]].add(page.name)
                if titles := re.findall(r"\*([^*]{12,})\*", sentence):
                    given[titles[-1].lower().strip(".? ")][found[-1]].add(page.name)
    return given


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_places_we_know_over_a_safe_line(page):
    for words, address, _ in links(page):
        place = urlparse(address)
        assert place.scheme == "https", address
        assert place.netloc in KNOWN, f"{place.netloc} is new: look whether it will last, and add it to KNOWN"
        assert unquote(address) == address or "%20" not in address, address
        if place.netloc == "doi.org":
            doi = unquote(place.path).removeprefix("/")
            assert re.fullmatch(r"10\.\d{4,9}/\S+", doi), address
            assert not words.startswith("doi:") or words == f"doi:{doi}", f"{words} leads to {address}"
        if place.netloc == "arxiv.org":
            number = place.path.removeprefix("/abs/")
            assert ARXIV.fullmatch(number), f"{address}: expected https://arxiv.org/abs/NUMBER"
            assert not words.startswith("arXiv") or words == f"arXiv:{number}", f"{words} leads to {address}"


def test_addresses_stand_in_links_that_can_be_followed():
    for page in PAGES:
        bare = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert len(re.findall(r"https?://", bare)) == len(links(page)), page.name


def test_a_paper_has_one_year_wherever_it_is_named():
    given = years()
    assert len(given) > 40
    for paper, found in given.items():
        assert len(found) == 1, f"{paper}: { ({year: sorted(pages) for year, pages in found.items()}) }"


def test_no_paper_is_older_than_its_preprint():
    for address, found in years().items():
        if number := re.fullmatch(rf"https://arxiv\.org/abs/{ARXIV.pattern}", address):
            assert all(int(year) >= 2000 + int(number[1]) for year in found), (address, dict(found))
            assert 1 <= int(number[2]) <= 12, address
