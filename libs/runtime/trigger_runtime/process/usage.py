"""How a program of ours takes its arguments: what is wrong with one is said in a line, as settings.

For the programs that administrators and clients call, which bring Typer; services do not.
"""

import sys
from collections.abc import Callable

import typer

from . import garbage
from .command_line import LINE_BREAK, prepare_output
from .printing import printable
from .setting_errors import EXIT_CODE


def run(program: typer.Typer) -> None:
    """Run the command that the arguments name, and end the process with its exit code."""
    garbage.collect_again()
    prepare_output()
    try:
        # Typer's own way to tell is a frame of four lines.
        code = program(standalone_mode=False)
    except typer.Abort:
        sys.exit(1)
    except typer.TyperException as refused:
        _tell(refused)
        sys.exit(EXIT_CODE)
    sys.exit(code)


def _tell(refused: typer.TyperException) -> None:
    telling: Callable[[], str] | None = getattr(refused, "format_message", None)
    message = str(refused) if telling is None else telling()
    if LINE_BREAK in message:
        # Called with nothing at all: it is the help. With rich that is printed by now.
        print(message, file=sys.stderr)
    elif message:
        context: typer.Context | None = getattr(refused, "ctx", None)
        more = f". See {context.command_path} --help" if context else "."
        print(f"etp: {printable(message.rstrip('.') + more)}", file=sys.stderr)
