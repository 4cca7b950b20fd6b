"""How the course is built: `sphinx-build -W docs docs/_build/html`, in the repository's folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_lib"))

import tenfold

project = "Tenfold"
author = "the authors of Tenfold"
release = version = tenfold.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "running",
    "contents",
    "sources",
    "experiments",
    "reference",
    "formulas",
]
exclude_patterns = ["_build", "_cache", "_lib", "experiments", "WRITING.md"]
default_role = "literal"

# Every .md is read by `running.read`, which adds to each code cell what it gave when it was run.
nb_custom_formats = {".md": ["running.read", {}, False]}
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = "Tenfold"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_show_copyright = False
copybutton_exclude = ".linenos, .gp, .go"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6fb2", "color-brand-content": "#1f6fb2"},
    "dark_css_variables": {"color-brand-primary": "#7ab8ee", "color-brand-content": "#7ab8ee"},
}

# For `sphinx-build -b linkcheck docs docs/_build/linkcheck`, with a network. A DOI leads on to its publisher.
linkcheck_allowed_redirects = {r"https://doi\.org/.*": r"https://.*"}
linkcheck_timeout = 20
linkcheck_retries = 2
