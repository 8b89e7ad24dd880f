"""Writes ``docs/settings.md`` from the settings classes and the command line themselves.

Also the names that a process does not take for misspelt ones, ``known_variables.py`` of the
runtime: services do not know each other's settings. Run it after a setting has changed:
``.venv/bin/python docs/make_settings.py``. A test fails while one of both is stale. It reads
classes only: nothing is taken from the environment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import trigger_runtime.process
from trigger_admin.settings import ProvisionSettings, ResealSettings, ServersSettings
from trigger_api.settings import Settings as ApiSettings
from trigger_cli.settings import ClientSettings
from trigger_executor.settings import Settings as ExecutorSettings
from trigger_local.cli import app
from trigger_retention.settings import Settings as RetentionSettings
from trigger_runtime.process.environment import PREFIX, Formerly, Names
from trigger_runtime.process.setting_words import bounds, choices, shown
from trigger_runtime.process.target_settings import TargetSubjectSettings
from trigger_scheduler.settings import Settings as SchedulerSettings

PAGE = Path(__file__).with_name("settings.md")

MODULE = Path(trigger_runtime.process.__file__).with_name("known_variables.py")

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

A secret can be in a file instead, whose path the variable with `_FILE` at its end gives: all of its
text, but for one newline at its end. Of a variable and its file one may be set.

`ETP_ACTIVE_FOR` and `ETP_KEPT_FOR` must be the same for all services. `ETP_KEPT_FOR` shortens the
life of a row in the tables and in every answer, of a dead letter, and of payloads in the streams:
of fires by REST and of the log's own messages. Commands that clients publish over NATS themselves
are kept for 48 h.
"""

KNOWN = """\
\"\"\"Every variable that a service, a command, a test or an example reads.

Made by ``docs/make_settings.py``; do not edit.
\"\"\"

NAMES = frozenset(
    (
{names}    )
)
"""

TEST_SERVERS = (
    "Broker and database of the tests: `embedded`, `docker` (testcontainers), or `auto`: "
    "docker where an engine answers at once."
)

_ENDS = re.compile(r"(?<=[^.])$")

COMMANDS: dict[str, type[BaseModel]] = {
    "`etp provision`": ProvisionSettings,
    "`etp rebuild`, `etp backup`, `etp restore`, `etp records list`, "
    "`etp records remove`": ServersSettings,
    "`etp nats config`, `etp secrets`": TargetSubjectSettings,
    "`etp sealing reseal`": ResealSettings,
    "`etp import`": ClientSettings,
}
"""What they are told; where two read the same variable, it means the same."""

COMPOSE = Path(__file__).parents[1] / "deploy" / "compose"
_OF_COMPOSE = re.compile(r"\$\{(ETP_\w+):-([^}]*)\}")

OTHERS = (
    "ETP_CHAOS_ROUNDS",
    "ETP_CHAOS_SEED",
    "ETP_CHROMIUM",
    "ETP_DATA_DIR",
    "ETP_HOSTILE_FOR",
    "ETP_LAST_ID",
    "ETP_SCREENSHOTS",
    "ETP_TEST_SERVERS",
)
"""Of tests, of what builds and of the examples."""


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
        "For servers of your own; an option of the same name does the same, but others can read a "
        "command line.\n\n" + _table(("variable", "meaning", "of"), _command_rows()),
        "## Of the Compose files\n\n"
        "For the shell, or a file `.env` beside them ([install.md](install.md)).\n\n"
        + _table(("variable", "default", "of"), _compose_rows()),
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
            meaning, default = _meaning(name, info), _default(info)
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


def _meaning(name: str, info: FieldInfo) -> str:
    text = _ENDS.sub(".", (info.description or "").strip()).replace("<", "&lt;")
    former = [one.variable for one in info.metadata if isinstance(one, Formerly)]
    note = "".join(f" For one more version `{old}` is understood, too." for old in former)
    file = Names.of(name, info).file
    from_file = f" Or in a file: `{file}`." if file else ""
    return f"{text} {_allowed(info)}".strip() + note + from_file


def _allowed(info: FieldInfo) -> str:
    if texts := choices(info):
        *others, last = (f"`{one}`" for one in texts)
        return f"{', '.join(others)} or {last}."
    low, high = bounds(info)
    if low is not None and high is not None:
        return f"{_shown(low)} to {_shown(high)}."
    if low is not None:
        return f"At least {_shown(low)}."
    return "" if high is None else f"At most {_shown(high)}."


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if isinstance(info.default, SecretStr):  # an address, which may hold a password; ours does not
        return _shown(info.default.get_secret_value())
    return "none" if info.default is None else _shown(info.default)


def _shown(value: Any) -> str:
    return f"`{shown(value)}`"


def _command_rows() -> list[tuple[str, ...]]:
    commands: dict[str, tuple[str, list[str]]] = {}
    for command, settings in COMMANDS.items():
        for name, info in settings.model_fields.items():
            meaning = _meaning(name, info)
            commands.setdefault(f"ETP_{name.upper()}", (meaning, []))[1].append(command)
    for command, parameter in _parameters():
        meaning = f"{parameter.help} By default `{parameter.default}`."
        commands[parameter.envvar] = (meaning, [f"`etp {command}`"])
    return [
        (f"`{variable}`", meaning, ", ".join(names))
        for variable, (meaning, names) in commands.items()
    ]


def _compose_rows() -> list[tuple[str, ...]]:
    """What the Compose files ask for, and what of it they tell the services."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(COMPOSE.glob("*.yaml")):
        for variable in dict.fromkeys(_OF_COMPOSE.findall(path.read_text(encoding="utf-8"))):
            found.setdefault(variable, []).append(f"`{path.name}`")
    return [
        (f"`{name}`", f"`{default}`", ", ".join(files)) for (name, default), files in found.items()
    ]


def _parameters() -> Iterator[tuple[str, Any]]:
    """Options that the command line itself looks up in the environment."""
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


def known_variables() -> str:
    """The module that every process compares its environment with."""
    of_compose = {row[0].strip("`") for row in _compose_rows()}
    names = {*OTHERS, *of_compose, *(parameter.envvar for _, parameter in _parameters())}
    for settings in (*SERVICES.values(), *COMMANDS.values()):
        for name, info in settings.model_fields.items():
            names |= {one for one in Names.of(name, info).all if one.startswith(PREFIX)}
    return KNOWN.format(names="".join(f'        "{name}",\n' for name in sorted(names)))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    MODULE.write_text(known_variables(), encoding="utf-8")
