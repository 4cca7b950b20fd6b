"""Options of the command line, as its help shows them."""

import re
from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help is plain text, each bracket once, and that takes no empty value for anything."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line. Refuses `--out ""`, which as a path would be the current folder."""
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        parameters: list[Any] = self.get_params(ctx)
        for parameter in parameters:
            value = given.get(parameter.name) if parameter.nargs == 1 else None
            values = value if isinstance(value, list) else [value]  # of an option that may come again
            if any(isinstance(one, str) and not one.strip() for one in values):
                raise typer.BadParameter("empty; give it a value or leave it out", ctx=ctx, param=parameter)
        return list(super().parse_args(ctx, args))

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
