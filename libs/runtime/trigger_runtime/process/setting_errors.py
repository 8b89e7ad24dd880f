"""What is wrong with the settings of an environment, in one line for each variable.

A line names the variable as it was given, what is wrong and what is allowed. A value is quoted
only where no text can stand (a number, a length of time, a choice): whatever else was given may be
a secret, or hold one. Used at the start of services and of commands.
"""

import os
from collections.abc import Collection
from datetime import timedelta
from typing import TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from . import secret_files
from .environment import UNUSABLE, EnvironmentSettings, Names
from .listening import refusal
from .logging_setup import get_logger, set_up_logging
from .printing import printable
from .setting_words import allowed, choices, is_among
from .settings import HttpSettings, LogSettings

S = TypeVar("S", bound=EnvironmentSettings)

EXIT_CODE = 2
"""Of a start with wrong settings: to start again changes nothing."""

LONGEST_QUOTED = 40
"""Characters of a value that is shown."""

_WORDS = (
    ("greater_than", "is too small"),
    ("less_than", "is too large"),
    ("int", "is no whole number"),
    ("float", "is no number"),
    ("bool", "is neither true nor false"),
    ("time_delta", "is no length of time"),
    ("literal_error", "is none of these"),
)
"""For pydantic's kinds of errors, by how their names begin."""


def from_environment(kind: type[S], service: str) -> S:
    """A service's settings; ends the process with lines in its log where they are wrong."""
    try:
        settings = kind()
        lines = _taken(settings) if isinstance(settings, HttpSettings) else []
    except ValidationError as error:
        lines = explain(kind, error)
    if lines:
        set_up_logging(_log_settings(), service=service)
        for line in lines:
            get_logger(__name__).critical(line)
        raise SystemExit(EXIT_CODE)
    return settings


def _taken(settings: HttpSettings) -> list[str]:
    refusals = (refusal(listener) for listener in settings.listeners())
    return [printable(line) for line in refusals if line is not None]


def explain(
    kind: type[EnvironmentSettings], error: ValidationError, *, options: Collection[str] = ()
) -> list[str]:
    """A line for each variable that is wrong, or for the option of a command in its place."""
    environment = {name.upper(): value for name, value in os.environ.items()}
    lines: dict[str, str] = {}
    for one in error.errors(include_url=False):
        name = _field(kind, one)
        if name is None:
            lines.setdefault(one["msg"], f"{_own_words(one).rstrip('.')}.")
        else:
            given = _option(name) if name in options else None
            lines.setdefault(name, _line(name, kind.model_fields[name], one, environment, given))
    return [printable(line) for line in lines.values()]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _line(
    name: str,
    info: FieldInfo,
    error: ErrorDetails,
    environment: dict[str, str],
    option: str | None,
) -> str:
    if option is not None:
        return f"{option} {_wrong(error).rstrip('.')}. Allowed: {allowed(info)}."
    names = Names.of(name, info)
    if error["type"] == UNUSABLE:
        return f"{names.file} {error['msg']}. Allowed: {secret_files.ALLOWED}."
    if error["type"] == "missing":
        neither = f", and {names.file} is not either" if names.file else ""
        return f"{names.variable} is not set{neither}. Allowed: {allowed(info)}."
    given = next((one for one in names.all if one in environment), names.variable)
    value = environment.get(given, "")
    quoted = f" ({value})" if _may_be_quoted(info, value) else ""
    return f"{given}{quoted} {_wrong(error).rstrip('.')}. Allowed: {allowed(info)}."


def _wrong(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind in {"string_too_short", "too_short"}:
        return f"is shorter than {error['ctx']['min_length']} characters"
    if kind == "value_error":
        return _own_words(error)
    words = (words for beginning, words in _WORDS if kind.startswith(beginning))
    return next(words, f"is refused: {error['msg']}")


def _own_words(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _may_be_quoted(info: FieldInfo, value: str) -> bool:
    if not 0 < len(value) <= LONGEST_QUOTED:
        return False
    countable = is_among(info.annotation, int) or is_among(info.annotation, timedelta)
    return bool(choices(info)) or (countable and value[0] in "+-.0123456789")


def _field(kind: type[EnvironmentSettings], error: ErrorDetails) -> str | None:
    """The field that an error is about; None where it is about several."""
    place = str(error["loc"][0]).upper() if error["loc"] else ""
    for name, info in kind.model_fields.items():
        if place == name.upper() or place in Names.of(name, info).all:
            return name
    return None


def _log_settings() -> LogSettings:
    """As the environment has them, or the defaults where it is they that are wrong."""
    try:
        return LogSettings()
    except ValidationError:
        return LogSettings.model_construct()
