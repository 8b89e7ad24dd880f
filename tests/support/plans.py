"""How PostgreSQL carries out a statement: explained as the session's own prepared statement."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution: which scan read which index or table, and how many pages were visited."""

    scans: frozenset[str]
    pages: int
    rows: int


class Session:
    """A connection that prepares each statement once, as a service's does, and keeps its plan."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._prepared: dict[str, PreparedStatement] = {}

    async def explain(self, sql: str, *arguments: Any) -> Executed:
        """Execute ``sql`` once and undo it."""
        if sql not in self._prepared:
            self._prepared[sql] = await self.connection.prepare(sql)
        name = self._prepared[sql].get_name()
        values = ", ".join(_literal(one) for one in arguments)
        given = f"({values})" if arguments else ""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            found = await self.connection.fetchval(
                f'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "{name}"{given}'
            )
        finally:
            await transaction.rollback()
        top = json.loads(found)[0]["Plan"]
        return Executed(
            frozenset(_scan(node) for node in _nodes(top) if "Relation Name" in node),
            top["Shared Hit Blocks"] + top["Shared Read Blocks"],
            top["Actual Rows"],
        )


def _scan(node: dict[str, Any]) -> str:
    return f"{node['Node Type']} {node.get('Index Name', node['Relation Name'])}"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from _nodes(part)


def _literal(value: Any) -> str:
    """EXECUTE takes no parameters of the protocol: values are written down."""
    if isinstance(value, list):
        return "'{" + ",".join(_text(one) for one in value) + "}'"
    return f"'{_text(value)}'"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} s"
    return "NULL" if value is None else str(value)
