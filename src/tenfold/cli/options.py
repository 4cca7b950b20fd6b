"""Options of the command line, as its help shows them."""

import re
from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help is plain text, each bracket once."""

    def get_help(self, ctx: Any) -> str:
        """The help, as it is printed."""
        text = str(super().get_help(ctx))
        text = re.sub(r"\[default:(\s+)\((.*?)\)\]", r"[default:\1\2]", text, flags=re.DOTALL)
        return text.replace("[[", "[").replace("]]", "]").replace("{PICTURE...}...", "PICTURE...")


def option(metavar: str, text: str, default: str | None = None, name: str | None = None) -> Any:
    """An option whose help says its default in words; a switch has no metavar.

    name: as it is typed, where the parameter is called otherwise.
    """
    shown = f"{text} Default: {default}." if default else text
    names = (name,) if name else ()
    return typer.Option(*names, help=shown, show_default=False, metavar=metavar or None)
