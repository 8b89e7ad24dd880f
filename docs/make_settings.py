"""Writes ``docs/settings.md`` from the settings classes and the command line themselves.

Run it after a setting has changed: ``.venv/bin/python docs/make_settings.py``. A test fails while
the page is stale. It reads classes only: nothing is taken from the environment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from trigger_admin.broker_health import PORT
from trigger_api.settings import Settings as ApiSettings
from trigger_executor.settings import Settings as ExecutorSettings
from trigger_local.cli import app
from trigger_retention.settings import Settings as RetentionSettings
from trigger_runtime.process.settings import Formerly
from trigger_scheduler.settings import Settings as SchedulerSettings

PAGE = Path(__file__).with_name("settings.md")

SERVICES: dict[str, type[BaseModel]] = {
    "api": ApiSettings,
    "scheduler": SchedulerSettings,
    "executor": ExecutorSettings,
    "retention": RetentionSettings,
}

INTRODUCTION = """\
# Settings

Made by `docs/make_settings.py` from the code; do not edit.

Services read environment variables and nothing else. Durations are written `500ms`, `30s`, `2h`,
`1h30m`, as plain seconds, or in ISO 8601. A value that cannot be understood stops the service at
its start, and the error names it. `etp up` sets addresses, ports, users and passwords itself and
hands the rest of its own environment on: `ETP_MISFIRE_GRACE=5s make run`.

`ETP_ACTIVE_FOR` and `ETP_KEPT_FOR` must be the same for all services. `ETP_KEPT_FOR` shortens the
life of a row in the tables and in every answer, of a dead letter, and of payloads in the streams:
of fires by REST and of the log's own messages. Commands that clients publish over NATS themselves
are kept for 48 h.
"""

TEST_SERVERS = (
    "Broker and database of the tests: `embedded`, `docker` (testcontainers), or `auto`: "
    "docker where an engine answers at once."
)

_UNITS = (("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))
_DAYS_FROM = timedelta(days=3)
"""Shorter ones are said in hours, as everywhere else: 48 h, not 2 d."""

_ENDS = re.compile(r"(?<=[^.])$")
_OF_COMMANDS = {
    "nats_url": "Address of the broker.",
    "nats_password": "Password of the NATS user `admin`.",
    "nats_monitor_url": "Address of nats-server's monitoring endpoint, by default "
    f"`http://127.0.0.1:{PORT}`.",
    "database_url": "Address of the database, with a PostgreSQL superuser.",
    "url": "Address of the gateway.",
    "api_key": "A key for the gateway.",
}


@dataclass(slots=True)
class Entry:
    """One variable as it stands in the table."""

    variable: str
    meaning: str
    default: str
    services: list[str] = field(default_factory=list)


def page() -> str:
    """The whole page as text."""
    tables = (
        _table(("variable", "meaning", "default", "of"), _service_rows()),
        "## Of the commands\n\n"
        "For servers of your own; a flag of the same name does the same, but others can read a "
        "command line.\n\n" + _table(("variable", "meaning", "of"), _command_rows()),
        "## Of the tests\n\n"
        + _table(
            ("variable", "meaning", "default"),
            [("`ETP_TEST_SERVERS`", TEST_SERVERS, "`auto`")],
        ),
    )
    return "\n".join((INTRODUCTION, *tables))


def _service_rows() -> list[tuple[str, ...]]:
    """Shared variables first; one that services mean differently has a line for each."""
    entries: dict[tuple[str, str, str], Entry] = {}
    for service, settings in SERVICES.items():
        for name, info in settings.model_fields.items():
            variable = f"ETP_{name.upper()}"
            meaning, default = _meaning(info), _default(info)
            entry = entries.setdefault(
                (variable, meaning, default), Entry(variable, meaning, default)
            )
            entry.services.append(service)
    ordered = sorted(entries.values(), key=lambda entry: -len(entry.services))
    return [
        (
            f"`{entry.variable}`",
            entry.meaning,
            entry.default,
            "all" if len(entry.services) == len(SERVICES) else ", ".join(entry.services),
        )
        for entry in ordered
    ]


def _meaning(info: FieldInfo) -> str:
    text = _ENDS.sub(".", (info.description or "").strip()).replace("<", "&lt;")
    former = [one.variable for one in info.metadata if isinstance(one, Formerly)]
    note = "".join(f" For one more version `{old}` is understood, too." for old in former)
    return f"{text} {_allowed(info)}".strip() + note


def _allowed(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        *others, last = (f"`{choice}`" for choice in get_args(info.annotation))
        return f"{', '.join(others)} or {last}."
    bounds = {
        name: getattr(limit, name)
        for limit in info.metadata
        for name in ("ge", "le")
        if getattr(limit, name, None) is not None
    }
    if "ge" in bounds and "le" in bounds:
        return f"{_shown(bounds['ge'])} to {_shown(bounds['le'])}."
    if "ge" in bounds:
        return f"At least {_shown(bounds['ge'])}."
    if "le" in bounds:
        return f"At most {_shown(bounds['le'])}."
    return ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if isinstance(info.default, SecretStr):  # an address, which may hold a password; ours does not
        return _shown(info.default.get_secret_value())
    return "none" if info.default is None else _shown(info.default)


def _shown(value: Any) -> str:
    return f"`{_duration(value) if isinstance(value, timedelta) else value}`"


def _duration(value: timedelta) -> str:
    """In the largest unit that gives a whole number."""
    if value >= _DAYS_FROM and not value % timedelta(days=1):
        return f"{value // timedelta(days=1)}d"
    for unit, length in _UNITS:
        if not value % length:
            return f"{value // length}{unit}"
    return f"{value // timedelta(milliseconds=1)}ms"


def _command_rows() -> list[tuple[str, ...]]:
    commands: dict[str, tuple[str, list[str]]] = {}
    for command, parameter in _parameters():
        role = parameter.name.removesuffix("_password")
        meaning = _OF_COMMANDS.get(
            parameter.name, f"Password that the PostgreSQL role `etp_{role}` is to have."
        )
        commands.setdefault(parameter.envvar, (meaning, []))[1].append(f"`etp {command}`")
    return [
        (f"`{variable}`", meaning, ", ".join(names))
        for variable, (meaning, names) in commands.items()
    ]


def _parameters() -> Iterator[tuple[str, Any]]:
    for name, command in _commands(typer.main.get_group(app)):
        for parameter in command.params:
            if getattr(parameter, "envvar", None):
                yield name, parameter


def _commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
