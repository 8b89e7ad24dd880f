"""The scheduler's views of targets. Secrets are sealed there, and the gateway shows none."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row

from trigger_api.domain import cursors
from trigger_api.domain.targets.health import NEVER_TRIED, TargetHealth
from trigger_api.domain.targets.queries import TargetQuery
from trigger_api.ports.paging import Listed
from trigger_contracts.targets.changes import TargetChanged

from . import target_queries as statements
from .database import ReadDatabase
from .paging import page_within_bytes


class PostgresTargetViews:
    """``ports.targets.TargetViews`` in PostgreSQL."""

    def __init__(self, database: ReadDatabase) -> None:
        self._database = database

    async def targets(self, query: TargetQuery) -> Listed[TargetChanged]:
        after = cursors.target(query.cursor)
        rows = await self._database.fetch(statements.targets(query, after))
        return page_within_bytes(
            rows, _change, lambda row: cursors.of_target(row.created_at, row.target_id)
        )

    async def number_of(self, query: TargetQuery) -> int:
        rows = await self._database.fetch(statements.number_of(query))
        return int(rows[0][0])

    async def target(self, target_id: str) -> TargetChanged | None:
        rows = await self._database.fetch(statements.TARGET, {"target_id": target_id})
        return _change(rows[0]) if rows else None

    async def existing(self, target_ids: Collection[str]) -> set[str]:
        if not target_ids:
            return set()
        rows = await self._database.fetch(statements.existing(target_ids))
        return {row.target_id for row in rows}

    async def health(self, target_ids: Collection[str]) -> Mapping[str, TargetHealth]:
        found = dict.fromkeys(target_ids, NEVER_TRIED)
        if found:
            rows = await self._database.fetch(statements.health(target_ids))
            found |= {row.target_id: TargetHealth.model_validate(row) for row in rows}
        return found

    async def history(
        self, target_id: str, limit: int, cursor: str | None
    ) -> Listed[TargetChanged] | None:
        after = cursors.target_version(cursor, target_id)
        rows = await self._database.fetch(statements.history(target_id, limit, after))
        if not rows and after is None:
            return None
        return page_within_bytes(
            rows, _change, lambda row: cursors.of_target_version(target_id, row.change_seq)
        )


def _change(row: Row[Any]) -> TargetChanged:
    return TargetChanged.model_validate(row.change)
