"""Projecting changes into the due index: shared by commands, upkeep and a rebuild."""

from collections.abc import Sequence

from trigger_contracts.trigger import Trigger
from trigger_scheduler.domain.planning import DueRow
from trigger_scheduler.ports import IndexTransaction


async def project_in_order(
    transaction: IndexTransaction, projected: Sequence[tuple[Trigger, DueRow]]
) -> None:
    """Project changes so that no trigger stands twice in one statement, and each in its order."""
    groups: list[list[tuple[Trigger, DueRow]]] = []
    depth: dict[str, int] = {}
    for entry in projected:
        level = depth.get(entry[1].trigger_id, 0)
        depth[entry[1].trigger_id] = level + 1
        if level == len(groups):
            groups.append([])
        groups[level].append(entry)
    for group in groups:
        await transaction.project(group)
