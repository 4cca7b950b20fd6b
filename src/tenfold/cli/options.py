"""Options of the command line, as its help shows them."""

from typing import Any

import typer


def option(metavar: str, text: str, default: str | None = None, name: str | None = None) -> Any:
    """An option whose help says its default in words; a switch has no metavar.

    name: as it is typed, where the parameter is called otherwise.
    """
    shown = f"{text} Default: {default}." if default else text
    names = (name,) if name else ()
    return typer.Option(*names, help=shown, show_default=False, metavar=metavar or None)
