"""How a command of ours ends: with what was asked for, or with one message and exit code 1."""

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from .environment import EnvironmentSettings
from .logging_setup import log_trouble_alone, warn_of_unknown_variables
from .printing import printable
from .setting_errors import explain

T = TypeVar("T")
S = TypeVar("S", bound=EnvironmentSettings)

LINE_BREAK = "\n"


class ExplainedError(Exception):
    """A failure that its reader can do something about. The message is for the terminal."""


def complete(start: Callable[[], Coroutine[Any, Any, T]], *explained: type[Exception]) -> T:
    """Run to the end; failures of these kinds, too, become a message instead of a traceback."""
    try:
        return asyncio.run(start())
    except ExplainedError as error:
        _fail(str(error))
    except explained as error:
        _fail(f"{type(error).__name__}: {error}")


def read_settings(kind: type[S], **options: object) -> S:
    """What a command was given: by its options, and else by the environment."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    try:
        return kind(**given)
    except ValidationError as error:
        _fail(*explain(kind, error, options=given.keys()))


def prepare_output() -> None:
    """Standard output is for what was asked for: trouble goes to standard error.

    A letter that a terminal cannot show is no reason to stop.
    """
    log_trouble_alone()
    warn_of_unknown_variables()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(*messages: str) -> NoReturn:
    for message in messages:
        print(f"etp: {printable(message, keep=LINE_BREAK)}", file=sys.stderr)
    sys.exit(1)
