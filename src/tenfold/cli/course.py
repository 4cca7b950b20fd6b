"""`tenfold docs`: the course, in the browser."""

import difflib
import json
import re
import webbrowser
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Annotated

import typer

from tenfold.cli.show import say, write
from tenfold.errors import OptionError

BUILD = 'pip install -e ".[docs]" && sphinx-build docs docs/_build/html'
REPOSITORY = Path(__file__).parents[3]
SITE = Path("docs", "_build", "html")
TOPICS = "topics.json"


def docs(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[TOPIC]", help="A page's name, such as softmax; left out, the first page."),
    ] = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the page's address and open nothing.")
    ] = False,
) -> int:
    """Open the course: every idea behind the reader, seen, run and measured."""
    site = find_site()
    if site is None:
        say(_say_how_to_build())
        return 1
    page = site / (find_page(topic, site) if topic else "index.html")
    address = page.resolve().as_uri()
    write(address)
    if not only_print and not webbrowser.open(address):
        say("no browser could be opened here; the page's address is above")
    return 0


def find_site() -> Path | None:
    """The built site: of this copy of the repository, or of the current folder."""
    places = (REPOSITORY / SITE, Path.cwd() / SITE)
    return next((place for place in places if (place / TOPICS).is_file()), None)


def find_page(topic: str, site: Path) -> str:
    """The page of a topic, as a path below the site. Raises OptionError naming the nearest."""
    try:
        topics = {
            str(word): str(page) for word, page in json.loads((site / TOPICS).read_text("utf-8")).items()
        }
    except (ValueError, AttributeError) as error:
        raise OptionError(f"{site / TOPICS}: damaged ({error}); build the course again: {BUILD}") from None
    asked = re.sub(r"[\s-]+", "_", topic.strip().lower().removesuffix(".md").removesuffix(".html"))
    if asked in topics:
        return topics[asked]
    near = [word for word in topics if asked in word] or difflib.get_close_matches(asked, topics, 3, 0.6)
    hint = f" (did you mean {' or '.join(sorted(near)[:3])}?)" if near else ""
    pages = sorted({Path(page).stem for page in topics.values()})
    raise OptionError(f"the course has no page {topic!r}{hint}; there are {', '.join(pages)}")


def _say_how_to_build() -> str:
    if (REPOSITORY / "docs" / "conf.py").is_file():
        return f"the course is not built yet; in {REPOSITORY}: {BUILD}"
    try:
        links = metadata("tenfold").get_all("Project-URL") or []
    except PackageNotFoundError:
        links = []
    home = links[0].split(", ")[-1] if links else "the repository"
    return f"the course is in the folder docs of {home}; in a copy of it: {BUILD}"
