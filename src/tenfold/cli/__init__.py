"""The command line: parse, call, print. Each module holds one group of commands.

Nothing heavy is imported until a command needs it, so that `tenfold --help` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from tenfold import __version__
from tenfold.cli import benchmarking, comparing, course, doctor, judging, pages, reading, training
from tenfold.cli.options import Command
from tenfold.cli.show import OutputClosed, say, system_reason
from tenfold.errors import PictureError, RunError, TenfoldError, TrainingError

# Typer exports only its leaves; their root covers an unknown option and a missing argument as well.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

DONE, FAILED, WRONG_COMMAND, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command)(training.run)
app.command(cls=Command)(training.train)
app.command(cls=Command)(judging.evaluate)
app.command(cls=Command)(comparing.compare)
app.command(cls=Command)(benchmarking.benchmark)
app.command(cls=Command)(reading.predict)
app.command(cls=Command)(pages.read)
app.command(cls=Command)(doctor.doctor)
app.command(cls=Command)(course.docs)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tenfold {__version__}\n")
        raise typer.Exit


@app.callback()
def _tenfold(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Handwritten digits: train a reader, read anyone's handwriting, say when unsure.

    Start with `tenfold run`: the whole story on MNIST. READER is a run folder or a reader's file.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: all done. 1: some pictures could not be read, or a training failed. 2: the command itself was wrong.
    130: stopped by Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:  # closed before we started (`>&-`)
        say("standard output is closed: there is nowhere to put the answers; send them to a file or a pipe")
        return FAILED
    try:
        code = app(given or ["--help"], prog_name="tenfold", standalone_mode=False)
    except (OutputClosed, BrokenPipeError):
        _drop_output()
        return DONE
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except _UsageError as error:
        code = _refuse_command(error)
    except TenfoldError as error:
        say(str(error))
        code = _code_of(error)
    except MemoryError:
        say("not enough memory for this; try fewer or smaller pictures, or --limit")
        code = FAILED
    except OSError as error:
        say(system_reason(error))
        code = FAILED
        try:
            sys.stdout.flush()
        except OSError:  # it was the output: the interpreter's own last flush would exit with 120
            _drop_output()
    if code == INTERRUPTED:
        say("stopped")
    return code or DONE


def _refuse_command(error: Exception) -> int:
    """Say in one line what was wrong with the command, and where to look."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tenfold"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    message = " ".join(message.split()).replace("Value error, ", "")
    say(f"{message} (see {command} --help)")
    return WRONG_COMMAND


def _code_of(error: TenfoldError) -> int:
    """Tell a command that was wrong from work that failed: a full disk is not the command's fault."""
    if isinstance(error, RunError):
        reason = error.__cause__ or error.__context__
        return (
            FAILED
            if isinstance(reason, OSError) and not isinstance(reason, FileExistsError)
            else WRONG_COMMAND
        )
    return FAILED if isinstance(error, TrainingError | PictureError) else WRONG_COMMAND


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's own last flush stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or not a real file
            os.dup2(nowhere, stream.fileno())
