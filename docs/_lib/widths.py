"""Finds the pages of the built site that scroll sideways on a phone.

    python docs/_lib/widths.py [--width 390] [--dark] [--shots FOLDER PAGE ...]

Every page is laid out by Chromium in a frame of that width, and what reaches beyond it is named, unless it
lies in a box of its own that scrolls, such as a table's or a formula's. Exit code 1 where there is something.
`--shots` writes pictures of pages instead, to be looked at.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

MEASURING = """<!doctype html><title>widths</title><body><pre id=found></pre><script>
const pages = PAGES, width = WIDTH, found = {};
// The theme lets the whole text scroll inside the page, which is no box of its own.
const scrolls = node =>
  !node.matches(".content") && ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
function beyond(frame) {
  const text = frame.contentDocument.querySelector(".content"), wide = [];
  for (const node of text.querySelectorAll("*")) {
    let box = node.parentElement;
    while (box !== text && !scrolls(box)) box = box.parentElement;
    if (box === text && node.getBoundingClientRect().right > width + 0.5)
      wide.push(`${node.tagName.toLowerCase()}.${node.className} ${node.textContent.trim().slice(0, 50)}`);
  }
  if (text.scrollWidth > text.clientWidth) wide.unshift(`${text.scrollWidth} pixels wide`);
  return wide.slice(0, 6);
}
async function measure(page) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  const loaded = new Promise(done => frame.onload = done);
  frame.src = page;
  document.body.append(frame);
  await loaded;
  found[page] = beyond(frame);
  frame.remove();
}
(async () => {
  for (const page of pages) await measure(page);
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""
SHOWING = """<!doctype html><title>shot</title><body style="margin:0"><iframe src="PAGE"
style="width:WIDTHpx;border:0;height:100vh"></iframe>"""


class _Site(SimpleHTTPRequestHandler):
    """The built site, with one page more that measures the others or shows one of them."""

    extra = ""

    def do_GET(self) -> None:
        """Answer with the extra page, or with a file."""
        if self.path != "/extra":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(type(self).extra.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def visit(address: str, *words: str) -> str:
    """Open a page in Chromium, wait until it has settled, and give what Chromium prints."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"this needs a browser, one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *QUIET, f"--user-data-dir={profile}", *words, address]
        return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout


def measure(address: str, width: int, pages: list[str], *words: str) -> dict[str, list[str]]:
    """For each page what reaches beyond `width` pixels; nothing where it fits."""
    _Site.extra = MEASURING.replace("PAGES", json.dumps(pages)).replace("WIDTH", str(width))
    shown = visit(f"{address}/extra", "--dump-dom", "--virtual-time-budget=600000", *words)
    measured = re.search(r"<pre id=\"found\">(.+?)</pre>", shown, re.DOTALL)
    if not measured:
        raise SystemExit("the browser measured nothing")
    return dict(json.loads(html.unescape(measured[1])))


def shoot(address: str, width: int, page: str, path: Path, height: int, *words: str) -> None:
    """Draw a page, `width` pixels wide, from its top."""
    _Site.extra = SHOWING.replace("PAGE", page).replace("WIDTH", str(width))
    size = f"--window-size={max(width, 500)},{height}"
    visit(f"{address}/extra", f"--screenshot={path}", size, "--virtual-time-budget=5000", *words)


def main() -> int:
    """Measure all pages, or draw some."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--width", type=int, default=390)
    words.add_argument("--height", type=int, default=2000, help="of the pictures of --shots")
    words.add_argument("--dark", action="store_true")
    words.add_argument("--shots", type=Path, metavar="FOLDER")
    words.add_argument("pages", nargs="*", metavar="PAGE", help="such as concepts/relu.html; left out, all")
    chosen = words.parse_args()
    pages = chosen.pages or sorted(
        path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts
    )
    dark = ["--blink-settings=preferredColorScheme=0"] if chosen.dark else []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    if chosen.shots:
        chosen.shots.mkdir(parents=True, exist_ok=True)
        for page in pages:
            name = f"{page.removesuffix('.html').replace('/', '-')}-{chosen.width}{'-dark' * chosen.dark}.png"
            shoot(address, chosen.width, page, chosen.shots.resolve() / name, chosen.height, *dark)
            print(chosen.shots / name)
        return 0
    wide = {page: found for page, found in measure(address, chosen.width, pages, *dark).items() if found}
    for page, found in wide.items():
        print(f"{page}: " + "\n    ".join(found))
    print(f"{len(pages)} pages at {chosen.width} pixels, {len(wide)} of them scroll sideways")
    return 1 if wide else 0


if __name__ == "__main__":
    sys.exit(main())
