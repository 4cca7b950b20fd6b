"""The reference, made from the code itself when the site is built.

In the pages of `reference/` a line `{{ face }}` becomes the public names with their docstrings,
`{{ errors }}` the tree of errors, `{{ commands }}` the command line, and `{{ fields room.module.Name }}` what
a docstring says of its fields. The code is read, not imported, so that TensorFlow is not waited for.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

from sources import PACKAGE, find_object
from sphinx.application import Sphinx
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

import tenfold

_FIELD = re.compile(r"^(\*{0,2}[a-z_][\w, *]{0,70}): (.+)$", re.DOTALL)
_PLACE = re.compile(r"^\{\{ (\w+)(?: ([\w.]+))? \}\}$", re.MULTILINE)


def write_face() -> str:
    """The public names, one heading each, those that read first."""
    order = ("reading", "data", "judging", "making")
    homes = {name: _find_home(name) for name in tenfold._HOME}
    names = sorted(homes, key=lambda name: (order.index(homes[name].split(".")[0]), name[0].isupper()))
    return "\n\n".join(_describe(name, homes[name]) for name in names)


def _find_home(name: str) -> str:
    """Where a public name is defined, as `room.module.name`."""
    room = tenfold._HOME[name].split(".")[1]
    homes = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                homes += [".".join(path.relative_to(PACKAGE).with_suffix("").parts) + f".{name}"]
    if len(homes) != 1:
        raise LookupError(f"tenfold.{name} should be defined once in {room}; found {homes}")
    return homes[0]


def _describe(name: str, home: str) -> str:
    node = find_object(home)
    parts = [f"## {name}", f"{{tenfold}}`{home}`"]
    if isinstance(node, ast.FunctionDef):
        return "\n\n".join([*parts, _signature(node, f"tenfold.{name}"), *write_docstring(_doc(node))])
    assert isinstance(node, ast.ClassDef)
    parts += write_docstring(_doc(node))
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
            shown = any(getattr(mark, "id", "") == "property" for mark in inner.decorator_list)
            parts += [f"### {name}.{inner.name}"]
            parts += [] if shown else [_signature(inner, inner.name)]
            parts += write_docstring(_doc(inner))
    return "\n\n".join(parts)


def _doc(node: Any) -> str:
    return ast.get_docstring(node) or ""


def _signature(node: ast.FunctionDef, name: str) -> str:
    """A call as Python writes it, one parameter a line where it is long."""
    arguments = [text for text in _arguments(node.args) if text.split(":")[0] not in {"self", "cls"}]
    returns = f" -> {ast.unparse(node.returns)}".replace("'", "") if node.returns else ""
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) > 70:
        line = f"{name}(\n" + "".join(f"    {text},\n" for text in arguments) + f"){returns}"
    return f"```python\n{line}\n```"


def _arguments(given: ast.arguments) -> Iterator[str]:
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    yield from (_argument(*pair) for pair in zip(plain, defaults, strict=True))
    if given.vararg:
        yield f"*{_argument(given.vararg, None)}"
    elif given.kwonlyargs:
        yield "*"
    yield from (_argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True))
    if given.kwarg:
        yield f"**{_argument(given.kwarg, None)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(argument.annotation)}".replace("'", "") if argument.annotation else ""
    return argument.arg + kind + (f" = {ast.unparse(default)}" if default is not None else "")


def write_docstring(text: str) -> list[str]:
    """A docstring as blocks of Markdown: `name: what` becomes a list, examples become code."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.lstrip().startswith(">>>"):
            blocks.append(f"```pycon\n{inspect.cleandoc(block)}\n```")
        elif block.startswith("    "):
            blocks.append(f"```text\n{inspect.cleandoc(block)}\n```")
        else:
            blocks.append(_write_block(block))
    return blocks


def _write_block(block: str) -> str:
    """A paragraph, or a list where its lines are fields."""
    body = re.sub(r"^Raises:\n((?:\s{4}.*\n?)+)", _flatten_raises, block, flags=re.MULTILINE)
    # What follows a field without being one goes on with it, if it begins as the middle of a sentence.
    entries = re.split(r"\n(?!\s|[a-z0-9`(][^:\n]*$)", body, flags=re.MULTILINE)
    lines: list[str] = []
    for entry in entries:
        flat = " ".join(entry.split())
        field = _FIELD.match(flat)
        raised = re.match(r"^Raises:? (.+)$", flat)
        if raised:
            lines.append(f"\n**Raises** {_escape(raised[1])}\n")
        elif field:
            gap = [""] if lines and not lines[-1].startswith("- ") else []
            lines += [*gap, f"- **{_escape(field[1])}**: {_escape(field[2])}"]
        else:
            lines.append(_escape(flat))
    return "\n".join(lines)


def _flatten_raises(found: re.Match[str]) -> str:
    return "Raises: " + " ".join(found[1].split()) + "\n"


def _escape(text: str) -> str:
    """Text as Markdown shows it unchanged, but for `code`; options are code, lest their dashes become one."""
    text = re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part[:1] == "`" else re.sub(r"([<>*$\[\]{}_|])", r"\\\1", part) for part in parts)


def write_errors() -> str:
    """The tree of errors, as its module draws it."""
    tree = ast.parse((PACKAGE / "errors.py").read_text("utf-8"))
    return "\n\n".join(write_docstring(ast.get_docstring(tree) or ""))


def write_fields(target: str) -> str:
    """What the docstring of a class says, its fields as a list."""
    return "\n\n".join(write_docstring(_doc(find_object(target))))


def write_commands() -> str:
    """Every command with its arguments and options, as its function declares them."""
    from tenfold.cli import app

    parts = []
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        parts += [f"## tenfold {name}", *write_docstring(inspect.getdoc(command.callback) or "")]
        taken = list(_parameters(command.callback))
        words = [term for term, info, _ in taken if isinstance(info, ArgumentInfo)]
        parts.append(f"```sh\n{' '.join(['tenfold', name, '[OPTIONS]', *words])}\n```")
        parts += [_entry(*parameter) for parameter in taken]
    return "\n\n".join(parts)


def _parameters(command: Callable[..., int]) -> Iterator[tuple[str, ParameterInfo, Any]]:
    """The arguments and options of a command: what one writes, what was declared, the default."""
    kinds = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind, *declared = get_args(kinds[name])
        info = next(entry for entry in declared if isinstance(entry, ParameterInfo))
        if isinstance(info, ArgumentInfo):
            yield info.metavar or name.upper(), info, parameter.default
        else:
            yield _option(name, kind, info), info, parameter.default


def _option(name: str, kind: Any, info: OptionInfo) -> str:
    plain = "--" + name.replace("_", "-")
    # Inside Annotated the first name stands where a default would.
    named = [word for word in (info.default, *(info.param_decls or ())) if str(word).startswith("-")]
    words = named or [plain]
    if bool in (kind, *get_args(kind)):
        return ", ".join([*words, *([] if named else [f"--no-{plain[2:]}"])])
    return f"{', '.join(words)} {info.metavar or _choices(kind) or words[-1].strip('-').upper()}"


def _choices(kind: Any) -> str:
    """The values of an enumeration, as one writes them."""
    kinds = [kind, *get_args(kind)]
    known = next((one for one in kinds if inspect.isclass(one) and issubclass(one, Enum)), None)
    return "|".join(str(value.value) for value in known) if known else ""


def _entry(term: str, info: ParameterInfo, default: Any) -> str:
    """One argument or option as an entry of a list of definitions."""
    text = _escape(" ".join((info.help or "").split()))
    shown = info.show_default if isinstance(info.show_default, str) else getattr(default, "value", default)
    absent = shown in (None, False, "", ()) or shown is inspect.Parameter.empty or not info.show_default
    return f"`{term}`\n: {text}{'' if absent else f' Default: `{shown}`.'}"


_WRITERS = {"face": write_face, "errors": write_errors, "commands": write_commands, "fields": write_fields}


def _fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the reference where its pages ask for it."""
    if page.startswith("reference/"):
        source[0] = _PLACE.sub(lambda place: _WRITERS[place[1]](*filter(None, [place[2]])), source[0])


def _always_read(app: Sphinx, *_: object) -> list[str]:
    """The code may have changed where the page has not."""
    return [page for page in app.env.found_docs if page.startswith("reference/")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _fill_in)
    app.connect("env-get-outdated", _always_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
