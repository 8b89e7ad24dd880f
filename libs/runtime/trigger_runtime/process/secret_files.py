"""Secrets from files: the variable ``ETP_X_FILE`` names one that holds what ``ETP_X`` would.

An environment can be read by whoever may look at the process, and ends up in crash reports; files
are how Compose, Kubernetes and systemd hand secrets out. Used by the services' settings and by the
commands. Never quotes what a file holds, nor a value that looks like the secret itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SUFFIX = "_FILE"

MAX_BYTES = 64 * 1024
"""Far longer than any secret: what names a device or a log by mistake is not read to its end."""

ALLOWED = (
    "the path of a file that holds the secret as UTF-8 text, at most 64 KiB; "
    "one newline at its end is taken off"
)


class SecretFileError(ValueError):
    """A secret cannot be had from its file. The message continues the name of the variable."""


@dataclass(frozen=True, slots=True)
class NoSecret:
    """Stands for a value that could not be had, until it is reported with all others."""

    reason: str


def find(variable: str, environment: Mapping[str, str], *others: str) -> str | NoSecret | None:
    """What the file of ``variable`` holds; None where no file is named.

    ``environment`` has upper-case names, ``others`` are further names of the same variable.
    """
    path = environment.get(variable + SUFFIX)
    if path is None:
        return None
    for given in (variable, *others):
        if given in environment:
            return NoSecret(f"is set, and so is {given}: one of them must go")
    try:
        return read(path)
    except SecretFileError as error:
        return NoSecret(str(error))


def read(path: str) -> str:
    """A secret file's text without one newline at its end. Raises SecretFileError."""
    named, held = _named(path), read_bytes(path)
    try:
        text = held.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretFileError(f"{named} is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not text:
        raise SecretFileError(f"{named} is empty")
    return text


def read_bytes(path: str, at_most: int = MAX_BYTES) -> bytes:
    """What any file that a setting names holds. Raises SecretFileError."""
    if not path:
        raise SecretFileError("is empty")
    named = _named(path)
    try:
        with Path(path).open("rb") as opened:
            held = opened.read(at_most + 1)
    except FileNotFoundError:
        raise SecretFileError(f"{named} does not exist") from None
    except IsADirectoryError:
        raise SecretFileError(f"{named} is a directory") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or "its path is none"
        raise SecretFileError(f"{named} cannot be read ({why})") from None
    if len(held) > at_most:
        raise SecretFileError(f"{named} is too large")
    return held


def _named(path: str) -> str:
    """It as it may be quoted: who takes the variable for the secret's own writes that there."""
    return f"names {path}, which" if path.startswith(("/", "./", "../")) else "names a file that"
