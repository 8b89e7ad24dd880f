"""Brings a schema up to date from numbered SQL files.

A service keeps ``NNNN_<what>.sql`` files beside its adapters; ``{schema}`` in them stands
for the schema's name, so that the same files build the live schema and the shadow that a
rebuild fills, and ``{prefix}`` for the beginning of the names of this installation's roles,
which is that of their owner's name. Each file is applied once, in order, in one transaction with
the note that it was. The schema's version is the number of the newest; its view ``schema_version``
tells it to whoever may enter the schema. Run by the admin step as the database's owner; services
have no DDL rights.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from trigger_contracts.schema_versions import MOST_AHEAD
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
OBJECT_OWNER = "etp_owner"
"""Whom every object belongs to, after the prefix of the installation; it cannot log in."""

_LOCK_KEY = 7_214_001
"""Advisory lock of migrations: two admin steps at once must not apply a file twice."""


class NewerSchemaError(Exception):
    """The schema has seen migrations that this version does not know: a newer one has been here,
    by more than one version, and nothing of this one works there.
    """


async def apply(connection: "asyncpg.Connection[Any]", folder: Path, schema: str) -> list[str]:
    """Apply to ``schema`` what it has not seen yet; returns the names of the files applied.

    One that is a version newer is left as it is, and nothing is applied: services of this version
    run on it. Raises ValueError for a schema name that is not a plain identifier, and
    NewerSchemaError.
    """
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"not a schema name: {schema!r}")
    applied: list[str] = []
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {schema}.migration"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch(f"SELECT name FROM {schema}.migration")  # checked above
        seen = {row["name"] for row in rows}
        files = _files(folder)
        if unknown := sorted(seen - {file.name for file in files}):
            ours = _number(files[-1].name)
            if not all(ours < _number(name) <= ours + MOST_AHEAD for name in unknown):
                raise NewerSchemaError(f"{schema}: {', '.join(unknown)}")
            log.warning("a schema is one version newer: it is left as it is", schema=schema)
            return applied
        prefix = await _role_prefix(connection)
        for file in files:
            if file.name in seen:
                continue
            await connection.execute(
                file.read_text().replace("{schema}", schema).replace("{prefix}", prefix)
            )
            await connection.execute(
                f"INSERT INTO {schema}.migration (name) VALUES ($1)",  # checked above
                file.name,
            )
            applied.append(file.name)
        await _tell_version(connection, schema)
    return applied


async def _tell_version(connection: "asyncpg.Connection[Any]", schema: str) -> None:
    """Also in a schema that was made before versions were told."""
    view = f"{schema}.schema_version"
    if await connection.fetchval("SELECT to_regclass($1) IS NULL", view):
        await connection.execute(
            f"CREATE VIEW {view} AS"
            f" SELECT max(left(name, 4)::integer) AS version FROM {schema}.migration"
        )
        # Nobody sees it who may not enter the schema.
        await connection.execute(f"GRANT SELECT ON {view} TO PUBLIC")


async def has_tables(
    connection: "asyncpg.Connection[Any]", schema: str, names: Sequence[str]
) -> bool:
    """Whether the schema is there with all of these: not before it was made, nor once it is gone.

    Of a schema with fewer nothing can be read; it is made anew.
    """
    there: bool = await connection.fetchval(
        "SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest($1::text[]) AS name",
        [f"{schema}.{name}" for name in names],
    )
    return there


async def owner_of(connection: "asyncpg.Connection[Any]", schema: str) -> tuple[str, bool]:
    """Whose the schema is, and whether there is one: else whose it is to be, the database's."""
    owner: str | None = await connection.fetchval(
        "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = $1", schema
    )
    if owner is not None:
        return owner, True
    owner = await connection.fetchval(
        "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
    )
    assert owner is not None  # noqa: S101 (every database has one)
    return owner, False


def _number(name: str) -> int:
    return int(name[:4])


async def _role_prefix(connection: "asyncpg.Connection[Any]") -> str:
    role: str = await connection.fetchval("SELECT current_user::text")
    return role.removesuffix(OBJECT_OWNER) if role.endswith(OBJECT_OWNER) else ""


def _files(folder: Path) -> list[Path]:
    """The migrations of a folder in their order; a few small files, read without waiting."""
    return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))
