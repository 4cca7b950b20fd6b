"""The examples in docstrings are run; with the README they are what people copy."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import tenfold

PACKAGE = Path(tenfold.__file__).parent
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_in_docstrings(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = import_module(".".join(parts).removesuffix(".__init__"))
    failed, tried = doctest.testmod(module, extraglobs={"tenfold": tenfold, "folder": tmp_path})
    assert tried
    assert not failed
