"""A trigger's version: the part of a change that its fired events need, and no more.

Kept in memory by the thousands, so it leaves the schema, the schedule and the rest behind.
"""

from dataclasses import dataclass
from typing import Any, Literal

from trigger_contracts.events import TriggerChanged

from .planning import Destinations, destinations_of


@dataclass(frozen=True, slots=True)
class TriggerVersion:
    """What a due record's ``change_seq`` refers to."""

    trigger_id: str
    creation_id: str
    name: str
    type: Literal["scheduled", "api"]
    version: int
    is_test: bool
    payload: Any
    destinations: Destinations = ()
    """Where its events are delivered to."""


def version_of(change: TriggerChanged, change_seq: int) -> TriggerVersion:
    definition = change.definition
    return TriggerVersion(
        trigger_id=change.trigger_id,
        creation_id=change.creation_id,
        name=definition.name,
        type=definition.type,
        version=change.version,
        is_test=change.is_test,
        payload=definition.payload,
        destinations=destinations_of(change, change_seq),
    )
