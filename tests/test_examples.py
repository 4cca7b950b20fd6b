"""The examples are run from beginning to end, on few images."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "first_steps.ipynb"
LARGEST = 400_000  # bytes
pytestmark = pytest.mark.slow


def test_the_script_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "first_steps.py")],
        env={**os.environ, "EPOCHS": "1", "LIMIT": "500"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "training images   (500, 28, 28) uint8" in done.stdout
    assert "Total params: 93,322" in done.stdout
    assert re.search(r"Test accuracy: \d+\.\d\d%  Test loss: \d+\.\d{4}", done.stdout)
    assert done.stdout.splitlines()[-1].endswith("- it is a 7")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")
def test_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("EPOCHS", "1")
    monkeypatch.setenv("LIMIT", "500")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert re.search(r"Test accuracy: \d+\.\d\d%", printed)
    assert re.search(r"^sigmoid  +\d+\.\d%", printed, re.MULTILINE)
    assert (tmp_path / "photo.png").exists()


@pytest.fixture
def bare(tmp_path):
    """Runs the notebook's first cell in a folder, by a Python without Tenfold; pip only says its words."""
    pip = tmp_path / "modules" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text("import sys\nprint(*sys.argv[1:])\n")
    cell = next(cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code")

    def run(folder, code=cell.source):
        return subprocess.run(
            [sys.executable, "-S", "-c", code],
            env={"PYTHONPATH": str(pip.parent)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    run.source = cell.source
    return run


def test_the_notebook_installs_the_copy_it_lies_in(bare):
    assert bare(EXAMPLES).stdout == f"install --quiet {EXAMPLES.parent}[train]\n"


def test_a_notebook_alone_asks_for_an_address(bare, tmp_path):
    done = bare(tmp_path)
    assert done.stdout == ""
    assert "put the address of its repository into REPOSITORY" in done.stderr
    assert 'REPOSITORY = ""' in bare.source
    given = bare.source.replace('REPOSITORY = ""', 'REPOSITORY = "https://git.example/tenfold"')
    assert (
        bare(tmp_path, given).stdout == "install --quiet tenfold[train] @ git+https://git.example/tenfold\n"
    )


def test_the_notebook_is_stored_with_what_it_really_gave():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < LARGEST
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    printed = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    accuracy = re.search(r"Test accuracy: (\d+\.\d\d)%", printed)
    assert accuracy
    assert float(accuracy.group(1)) > 98.5
    pictures = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 10
    assert not any(output.get("name") == "stderr" for cell in code for output in cell.outputs)
