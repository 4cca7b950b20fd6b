"""The walls between rooms, held by reading the source and by watching what is really imported."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tenfold
from tenfold import errors

PACKAGE = Path(tenfold.__file__).parent
ORDER = ("errors", "data", "reading", "judging", "making", "scaling", "web", "cli")
DOORS = {"cli", "web"}
HEAVY = {"tensorflow", "keras", "tf2onnx", "onnx"}


def module_name(path: Path) -> str:
    parts = ("tenfold", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative import"
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def imports(tree: ast.Module) -> set[str]:
    """Every module named by an import statement, at any depth."""
    return {name for node in ast.walk(tree) for name in imported(node)}


def module_level_imports(tree: ast.AST) -> set[str]:
    """Those that run when the module is imported: not the ones inside functions."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found |= set(imported(node)) | module_level_imports(node)
    return found


def runtime_imports(tree: ast.Module) -> set[str]:
    """Module-level imports without those under `if TYPE_CHECKING`."""

    class Drop(ast.NodeTransformer):
        def visit_If(self, node):
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    return module_level_imports(Drop().visit(ast.parse(ast.unparse(tree))))


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "tenfold" and len(parts) > 1 and parts[1] in ORDER else None


@pytest.mark.parametrize("module", SOURCES)
def test_arrows_point_down(module):
    own = room(module)
    if own is None:  # the face itself
        return
    for name in imports(SOURCES[module]):
        other = room(name)
        if other is not None and other != own:
            assert ORDER.index(other) < ORDER.index(own), f"{module} imports {name}"
            assert other not in DOORS, f"{module} imports the door {name}"


def test_every_room_is_known():
    rooms = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__", "__main__", *ORDER} == set()


def test_no_module_cycles():
    graph = {
        module: {name for name in runtime_imports(tree) if name in SOURCES and name != module}
        for module, tree in SOURCES.items()
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for name in graph[module]:
                # A package's face is imported by its own modules' users, not by them.
                if not module.startswith(f"{name}."):
                    walk(name, (*path, module))
            done.add(module)

    for module in graph:
        walk(module, ())


@pytest.mark.parametrize("module", [name for name in SOURCES if room(name) != "making"])
def test_only_making_names_tensorflow(module):
    assert {name.split(".")[0] for name in module_level_imports(SOURCES[module])} & HEAVY == set()
    inside = {name.split(".")[0] for name in imports(SOURCES[module])} & HEAVY
    assert inside == set() or room(module) in {"data", "cli"}


@pytest.mark.parametrize("module", SOURCES)
def test_only_figures_and_charts_name_matplotlib(module):
    assert module in {"tenfold.judging.figures", "tenfold.judging.charts"} or not any(
        name.startswith("matplotlib") for name in imports(SOURCES[module])
    )


@pytest.mark.parametrize("module", SOURCES)
def test_nothing_is_unpickled(module):
    for node in ast.walk(SOURCES[module]):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
    assert not imports(SOURCES[module]) & {"pickle", "marshal", "shelve", "dill", "joblib"}


def loaded_by(*arguments: str) -> set[str]:
    """The packages that a fresh Python has loaded once it has run this."""
    code = (
        "import sys\n"
        f"{arguments[0]}\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split("\n")[-2].split())


def command(*arguments: str) -> str:
    return f"from tenfold.cli import main\nassert main({list(arguments)!r}) == 0"


def test_importing_tenfold_loads_nothing_heavy():
    loaded = loaded_by("import tenfold")
    assert not loaded & {*HEAVY, "cv2", "onnxruntime", "matplotlib", "numpy", "PIL"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([name, "--help"] for name in ("train", "compare", "predict", "read"))],
)
def test_help_loads_nothing_heavy(arguments):
    assert not loaded_by(command(*arguments)) & {*HEAVY, "cv2", "onnxruntime", "matplotlib", "numpy", "PIL"}


def test_reading_and_judging_never_load_tensorflow(means_reader, tmp_path, test_split):
    from PIL import Image

    Image.fromarray(test_split.images[0]).save(tmp_path / "seven.png")
    for name in ("predict", "read"):
        read = command(name, "--model", str(means_reader), str(tmp_path / "seven.png"))
        assert not loaded_by(read) & {*HEAVY, "matplotlib", "rich"}
    assert not loaded_by(command("evaluate", str(means_reader))) & {*HEAVY, "matplotlib"}


def test_the_face_is_what_all_says():
    assert len(tenfold.__all__) == len(set(tenfold.__all__))
    for name in tenfold.__all__:
        assert getattr(tenfold, name) is not None
    assert dir(tenfold) == sorted(tenfold.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tenfold.nothing


def test_the_face_is_typed_as_it_is_built():
    """What type checkers see under TYPE_CHECKING is what `__getattr__` gives."""
    typed = {
        alias.asname: f"{node.module}"
        for block in SOURCES["tenfold"].body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == tenfold._HOME


@pytest.mark.parametrize("home", sorted(set(tenfold._HOME.values())))
def test_rooms_say_what_they_offer(home):
    offered = import_module(home).__all__
    assert {name for name, at in tenfold._HOME.items() if at == home} <= set(offered)


@pytest.mark.parametrize("module", SOURCES)
def test_everything_public_has_a_docstring(module):
    tree = SOURCES[module]
    assert ast.get_docstring(tree), f"{module} has no docstring"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    holders = [tree, *classes]
    for holder in holders:
        for node in holder.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                overrides = isinstance(holder, ast.ClassDef) and node.name.startswith("on_")
                assert ast.get_docstring(node) or overrides, f"{module}.{node.name} has no docstring"


def test_the_tree_of_errors_is_the_one_drawn():
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "Error " in f"{line} "]
    parents: list[str] = []
    for line in drawn:
        marks = line.replace("│", " ").replace("├──", "   ").replace("└──", "   ")
        name = marks.split()[0]
        if not name.endswith("Error") or name not in vars(errors):
            continue
        depth = (len(marks) - len(marks.lstrip()) - 4) // 4
        parents[depth:] = [name]
        if depth:
            assert issubclass(getattr(errors, name), getattr(errors, parents[depth - 1]))
            assert getattr(errors, parents[depth - 1]) in getattr(errors, name).__bases__
    text = " ".join(drawn)
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, Exception):
            assert name in text, f"{name} is not in the tree"
            assert issubclass(value, errors.TenfoldError)
