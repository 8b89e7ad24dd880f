"""What a log says of an exception: where it was raised, of which kind, and its words where these
are ours to say.

The words of others may quote what somebody sent: pydantic shows the value that it refuses, the
database driver an argument, PostgreSQL a whole row, a ``KeyError`` its key. So an exception is told
by its kind alone, unless its words come from this platform, the system or the broker. The lines of
a traceback are code, and never values.
"""

import traceback
from collections.abc import Iterator

_SAID = ("trigger_", "nats.")
"""Packages whose exceptions have words that name hosts and subjects. By name: commands that know no
broker tell of exceptions as well."""


def told(error: BaseException) -> str:
    """In a line: its kind, and what may be said of it."""
    kind = type(error)
    name = kind.__qualname__
    if isinstance(error, OSError) or any(one.__module__.startswith(_SAID) for one in kind.__mro__):
        words = str(error)
        return f"{name}: {words}" if words else name
    # Of PostgreSQL and its driver: which rule was broken, and not by what.
    facts = [getattr(error, each, None) for each in ("sqlstate", "table_name", "constraint_name")]
    shown = ", ".join(fact for fact in facts if isinstance(fact, str))
    return f"{name} ({shown})" if shown else name


def traceback_of(error: BaseException) -> str:
    """As Python prints it, with what led to it first, and with ``told`` instead of its words."""
    return "".join(_parts(error, set())).rstrip("\n")


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__
    before = cause or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _parts(before, seen)
        yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{told(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            if id(each) not in seen:
                yield "\nof which one:\n\n"
                yield from _parts(each, seen)
